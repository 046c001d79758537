//! Who may change state.

use crate::config::Secret;
use crate::lasting;
use http::{HeaderMap, Method, header};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

/// Who asks. It travels in the extensions of a request; until clients have keys of their own it is the address they come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(pub Arc<str>);

impl Default for Principal {
    fn default() -> Self {
        Principal("anyone".into())
    }
}

/// Names for those whose data is theirs alone, made from their keys and a secret of this installation: from a name no key
/// can be guessed, and the same key has the same name after a restart.
#[derive(Clone)]
pub struct ScopeNames {
    secret: [u8; 32],
}

impl Default for ScopeNames {
    /// With a secret for this run alone.
    fn default() -> Self {
        let mut secret = [0; 32];
        rustls::crypto::ring::default_provider().secure_random.fill(&mut secret).unwrap_or_default();
        ScopeNames { secret }
    }
}

impl ScopeNames {
    /// With the secret in `file`, which is made if need be, for its owner's eyes only. Where it cannot be read or kept, what
    /// belongs to single clients is paid for again after a restart, and everything else goes on.
    pub fn open(file: &Path) -> ScopeNames {
        match lasting::plain(file).and_then(|()| fs::read(file)).map(<[u8; 32]>::try_from) {
            Ok(Ok(secret)) => return ScopeNames { secret },
            Ok(Err(_)) => tracing::error!(file = %file.display(), "not a secret of 32 bytes: another one is made"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(file = %file.display(), %error, "the secret of scopes cannot be read");
                return ScopeNames::default();
            }
        }
        let names = ScopeNames::default();
        let name = file.file_name().and_then(|name| name.to_str());
        if let (Some(folder), Some(name)) = (file.parent(), name) {
            let kept = fs::create_dir_all(folder).and_then(|()| lasting::write(folder, name, &names.secret, true));
            if let Err(error) = kept {
                tracing::error!(file = %file.display(), %error, "the secret of scopes cannot be kept");
            }
        }
        names
    }

    pub fn name(&self, key: &[u8]) -> String {
        blake3::keyed_hash(&self.secret, key).to_hex()[..24].to_owned()
    }
}

/// Why a state-changing request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("use POST: what changes state is never a GET")]
    Method,
    #[error("this listener can be reached from outside: set admin.token and send it as `Authorization: Bearer …`")]
    NoToken,
    #[error("send the admin token as `Authorization: Bearer …`")]
    WrongToken,
    #[error("the Host header does not name this machine; another page may have sent this")]
    Host,
    #[error("the Origin header names another site")]
    Origin,
}

/// Lets a state-changing request through, or says why not.
///
/// Without a token only a loopback peer passes, and only under a loopback name: a page of another site that resolves
/// to 127.0.0.1 must not reach the cache.
pub fn may_change(method: &Method, headers: &HeaderMap, token: &Secret, local: IpAddr) -> Result<(), Denied> {
    if *method != Method::POST {
        return Err(Denied::Method);
    }
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(origin) = text(header::ORIGIN) {
        let host = origin.split_once("://").map_or("", |(_, rest)| rest);
        if Some(host) != text(header::HOST) {
            return Err(Denied::Origin);
        }
    }
    if token.is_set() {
        let sent = text(header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
        return if same(sent, token.reveal()) { Ok(()) } else { Err(Denied::WrongToken) };
    }
    if !local.is_loopback() {
        return Err(Denied::NoToken);
    }
    if text(header::HOST).is_some_and(is_loopback_name) { Ok(()) } else { Err(Denied::Host) }
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Compares in a time that does not depend on where the texts differ.
fn same(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(method: Method, pairs: &[(&str, &str)], token: &str, local: &str) -> Result<(), Denied> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = header::HeaderName::try_from(*name).expect("a name");
            headers.insert(name, value.parse().expect("a value"));
        }
        let token: Secret = toml::Value::String(token.into()).try_into().expect("a secret");
        may_change(&method, &headers, &token, local.parse().expect("an address"))
    }

    #[test]
    fn only_a_local_page_or_the_token_may_change_anything() {
        let (home, out) = ("127.0.0.1", "10.0.0.7");
        let local = ("host", "localhost:8080");
        assert_eq!(judge(Method::GET, &[local], "", home), Err(Denied::Method));
        assert_eq!(judge(Method::POST, &[local], "", home), Ok(()));
        assert_eq!(judge(Method::POST, &[("host", "[::1]:8080")], "", "::1"), Ok(()));
        assert_eq!(judge(Method::POST, &[("host", "evil.example")], "", home), Err(Denied::Host));
        assert_eq!(judge(Method::POST, &[], "", home), Err(Denied::Host));
        assert_eq!(judge(Method::POST, &[local, ("origin", "https://evil.example")], "", home), Err(Denied::Origin));
        assert_eq!(judge(Method::POST, &[local, ("origin", "http://localhost:8080")], "", home), Ok(()));
        assert_eq!(judge(Method::POST, &[local], "", out), Err(Denied::NoToken));
        assert_eq!(judge(Method::POST, &[local], "s3", home), Err(Denied::WrongToken));
        assert_eq!(judge(Method::POST, &[("authorization", "Bearer s3")], "s3", out), Ok(()));
    }
}
