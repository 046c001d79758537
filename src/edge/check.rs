//! Requests that no two servers would read alike are refused at the door.

use crate::render::Answer;
use crate::render::problem::Problem;
use http::uri::Authority;
use http::{Method, Request, StatusCode, Version, header};

/// Refuses a missing, repeated or odd `Host`, a tunnel, and a target that is no path.
pub fn refuse<B>(request: &Request<B>) -> Option<Answer> {
    let bad = |detail: &str| {
        Some(Problem::new("invalid-request", "The request is malformed", StatusCode::BAD_REQUEST, detail).answer())
    };
    if request.method() == Method::CONNECT {
        return bad("this is no tunnel");
    }
    if !request.uri().path().starts_with('/') {
        return bad("the target is no path");
    }
    if request.version() < Version::HTTP_2 {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let plain = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
                if plain.is_none_or(|authority| authority.as_str().contains('@')) {
                    return bad("the Host header is no host");
                }
            }
            (None, _) if request.version() < Version::HTTP_11 => {}
            (None, _) => return bad("the Host header is missing"),
            _ => return bad("there are two Host headers"),
        }
    }
    None
}
