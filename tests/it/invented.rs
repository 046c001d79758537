//! A provider that finex has never heard of, from a manifest alone: one for each of the four shapes.

use crate::world::{HOUR, NEW_YEAR, World};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Hours of an exchange that never closes, in whichever shape is asked for.
struct Acme {
    calls: Arc<AtomicU64>,
    url: String,
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
}

fn price(hour: i64) -> String {
    format!("{}.{:02}", 100 + hour % 17, hour % 97)
}

fn rows(from: i64, to: i64, write: impl Fn(i64) -> String) -> String {
    let hours = from.div_euclid(HOUR) + i64::from(from.rem_euclid(HOUR) > 0)..=to.div_euclid(HOUR);
    hours.map(write).collect::<Vec<_>>().join(",")
}

fn answer(path: &str, query: &str) -> String {
    let number = |name: &str| parameter(query, name).and_then(|v| v.parse::<i64>().ok()).unwrap_or(0) * 1_000;
    let (from, to) = (number("since"), number("until"));
    let seconds = |hour: i64| hour * 3_600;
    match path {
        "/records" => format!(
            "{{\"ok\":true,\"bars\":[{}]}}",
            rows(from, to, |h| format!(
                "{{\"at\":{},\"o\":{p},\"h\":{p},\"l\":{p},\"c\":{p}}}",
                seconds(h),
                p = price(h)
            ))
        ),
        "/rows" => format!("[{}]", rows(from, to, |h| format!("[{},{p},{p},{p},{p}]", seconds(h), p = price(h)))),
        "/columns" => {
            format!("{{\"t\":[{}],\"close\":[{}]}}", rows(from, to, |h| seconds(h).to_string()), rows(from, to, price))
        }
        _ => format!(
            "{{\"series\":{{{}}}}}",
            rows(from, to, |h| format!("\"{}\":{{\"close\":\"{}\"}}", seconds(h), price(h)))
        ),
    }
}

impl Acme {
    async fn start() -> Acme {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let calls = counted.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    calls.fetch_add(1, Ordering::SeqCst);
                    let body = answer(request.uri().path(), request.uri().query().unwrap_or_default());
                    let response = Response::builder()
                        .header("content-type", "application/json")
                        .body(Full::new(Bytes::from(body)));
                    async move { Ok::<_, Infallible>(response.expect("a response")) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Acme { calls, url }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A manifest as a user writes it: facts first, then the way to ask for bars.
fn manifest(shape: &str, fields: &str, answer: &str, more: &str) -> String {
    format!(
        r#"
        id = "acme"
        name = "Acme"
        base_url = "https://api.acme.example"
        timezone = "UTC"
        settle = "1m"
        page = 2000
        cost = 1
        row_bytes = 60

        [[keys]]
        parameter = "token"

        [intervals]
        1h = "hour"

        [[endpoints]]
        name = "bars"
        path = "/{shape}"
        symbol = "ticker"
        interval = "every"
        from = {{ name = "since", unit = "s", accepts = ["s"] }}
        to = {{ name = "until", unit = "s", accepts = ["s"] }}
        shape = "{shape}"
        fields = {fields}
        stamp = "s"
        answer = '{answer}'
        {more}
        "#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn any_of_the_four_shapes_is_served_planned_and_kept_without_a_rebuild() {
    let ohlc = r#"["at:time", "o:open", "h:high", "l:low", "c:close"]"#;
    let shapes = [
        manifest("records", ohlc, r#"{"ok":true,"bars":[${rows}]}"#, "rows = \"bars\""),
        manifest("rows", ohlc, "[${rows}]", ""),
        manifest("columns", r#"["t:time", "close:close"]"#, r#"{"t":[${t}],"close":[${close}]}"#, ""),
        manifest(
            "keyed",
            r#"["at:time", "close:close"]"#,
            r#"{"series":{${rows}}}"#,
            "rows = \"series\"\nquoted = true",
        ),
    ];
    for manifest in shapes {
        let acme = Acme::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("acme.toml");
        std::fs::write(&file, &manifest).expect("a file");
        let world = World::with(|config| {
            let settings = finex::config::Provider {
                base_url: acme.url.clone(),
                manifest: file.clone(),
                ..crate::world::settings()
            };
            config.providers.insert("acme".into(), settings);
        })
        .await;
        let shape =
            manifest.split("path = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path").to_owned();
        let ask = |from: i64, to: i64| {
            let (from, to) = (NEW_YEAR / 1_000 + from * 3_600, NEW_YEAR / 1_000 + to * 3_600);
            format!("{shape}?ticker=GOLD&every=hour&since={from}&until={to}&token=s3cret")
        };
        let same = async |from: i64, to: i64| {
            let got = world.get(&format!("/acme{}", ask(from, to))).await;
            let (path, query) =
                ask(from, to).split_once('?').map(|(p, q)| (p.to_owned(), q.to_owned())).expect("a query");
            assert_eq!(got.body, answer(&path, &query), "{path}?{query}");
            got
        };
        same(0, 500).await;
        assert_eq!(acme.calls(), 1);
        for (from, to) in [(0, 500), (17, 99), (400, 500), (250, 250)] {
            assert!(same(from, to).await.cache_status().starts_with("finex; hit"));
        }
        assert_eq!(acme.calls(), 1, "sub-windows are owned");
        same(200, 900).await;
        assert!(acme.calls() <= 2, "the rest is one call at most: widening may have brought it before");
        // Every hour of a year, in windows that nobody asked for before: pages of two thousand.
        for start in (0..1_500).step_by(61) {
            same(start, start + 40).await;
        }
        assert!(acme.calls() <= 4, "{} calls", acme.calls());
        let unified = world
            .get("/api/v1/market-data/GOLD/history?provider=acme&interval=1h&start_time=2024-01-02&end_time=2024-01-03")
            .await;
        assert_eq!((unified.status.as_u16(), &unified.json()["count"]), (200, &24.into()), "{}", unified.body);
        let through = world.get(&format!("/acme{shape}?ticker=GOLD&every=hour&since=1&until=2&shuffle=true")).await;
        assert!(
            through.cache_status().contains("fwd=bypass"),
            "what no field names is not guessed: {}",
            through.cache_status()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_url_alone_makes_a_plain_way_through() {
    let acme = Acme::start().await;
    let world = World::with(|config| {
        let settings = finex::config::Provider { base_url: acme.url.clone(), ..crate::world::settings() };
        config.providers.insert("acme".into(), settings);
    })
    .await;
    let got = world.get("/acme/rows?since=0&until=7200").await;
    assert_eq!(got.body, answer("/rows", "since=0&until=7200"));
    assert!(got.cache_status().contains("fwd=bypass"));
}

#[test]
fn a_manifest_that_cannot_be_right_says_what_is_wrong() {
    let sound = manifest("rows", r#"["at:time", "c:close"]"#, "[${rows}]", "");
    let refused = |text: String| match finex_providers::manifest::Manifest::parse(&text) {
        Err(error) => error.to_string(),
        Ok(manifest) => finex_providers::described::Described::new(manifest).err().unwrap_or_default(),
    };
    assert_eq!(refused(sound.clone()), "");
    for (from, to, words) in [
        ("c:close", "c:cloze", "no column `cloze`"),
        ("at:time", "at:open", "exactly one field is the time"),
        ("[${rows}]", "[${rowz}]", "nothing is known to stand in ${rowz}"),
        ("timezone = \"UTC\"", "timezone = \"Mars\"", "no zone is named Mars"),
        ("settle = \"1m\"", "settle = \"soon\"", "is no duration"),
        ("1h = \"hour\"", "1fortnight = \"hour\"", "unknown interval"),
        ("shape = \"rows\"", "shape = \"rhombs\"", "unknown variant"),
        ("cost = 1", "cost = 1\ncolour = 2", "unknown field"),
    ] {
        let got = refused(sound.replace(from, to));
        assert!(got.contains(words), "{to}: {got}");
    }
}
