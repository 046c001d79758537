//! Providers are spoken to over TLS: by whom the machine trusts, and by nobody whose certificate does not hold.

use crate::world::*;
use finex_sim::Sim;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// A host of that name, valid until the end of a year, which hands on to the simulator what it is told.
async fn host(sim: SocketAddr, name: &str, until: i32, by: &Authority) -> SocketAddr {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 12, 31));
    let certificate = params.signed_by(&key, by).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut outer), Ok(mut inner)) = (acceptor.accept(stream).await, TcpStream::connect(sim).await)
                else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    address
}

/// `finex up` on a machine that trusts one authority, which is what `SSL_CERT_FILE` says.
struct Up {
    child: Child,
    base: String,
    _folder: tempfile::TempDir,
}

impl Up {
    fn before(host: SocketAddr, trusted: &Authority) -> Up {
        let folder = tempfile::tempdir().expect("a folder");
        let trust = folder.path().join("trusted.pem");
        std::fs::write(&trust, trusted.pem()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_finex"));
        command.arg("up").current_dir(folder.path()).env("XDG_DATA_HOME", folder.path()).env("SSL_CERT_FILE", trust);
        command.env_remove("SSL_CERT_DIR").env("FINEX_SERVER__LISTEN", "127.0.0.1:0");
        command.env("FINEX_PROVIDERS__BINANCE__BASE_URL", format!("https://{host}"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("finex runs");
        let out = BufReader::new(child.stdout.take().expect("its words"));
        let base = out.lines().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            Some(format!("http://{}", rest.split('/').next()?))
        });
        Up { child, base: base.expect("an address"), _folder: folder }
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        let got = reqwest::Client::builder().no_proxy().build().expect("a client");
        let got = got.get(format!("{}{path}", self.base)).send().await.expect("an answer");
        let problem = got.headers().get("finex-problem").map(|text| text.to_str().unwrap_or_default().to_owned());
        (got.status().as_u16(), problem.unwrap_or_default(), got.text().await.expect("a body"))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_certificate_that_holds_is_believed() {
    let _ = ring::default_provider().install_default();
    let (trusted, unknown) = (authority("trusted"), authority("unknown"));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let sim = Sim::start(any, Arc::new(|| NOW)).await.expect("a simulator");
    let at: SocketAddr = sim.url().trim_start_matches("http://").parse().expect("an address");
    let hosts = [
        (host(at, "127.0.0.1", 2120, &trusted).await, ""),
        (host(at, "127.0.0.1", 2021, &trusted).await, "expired"),
        (host(at, "elsewhere.invalid", 2120, &trusted).await, "not valid for name"),
        (host(at, "127.0.0.1", 2120, &unknown).await, "UnknownIssuer"),
    ];
    let path = klines("BTCUSDT", "1d", "&startTime=1704067200000&endTime=1704931200000");
    for (host, expected) in hosts {
        let calls = sim.calls();
        let up = tokio::task::block_in_place(|| Up::before(host, &trusted));
        let (status, problem, body) = up.get(&format!("/binance{path}")).await;
        if expected.is_empty() {
            let straight = reqwest::get(format!("{}{path}", sim.url())).await.expect("an answer").text().await;
            assert_eq!((status, body), (200, straight.expect("a body")), "{problem}");
        } else {
            assert!(status == 503 && problem.contains(expected), "{expected}: {status} {problem}");
            assert_eq!(sim.calls(), calls, "{expected}: nothing was said to a host that is not believed");
        }
    }
}
