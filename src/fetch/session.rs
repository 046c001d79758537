//! A provider's session: a cookie and a token that some of its paths ask for, which are the gateway's business.
//!
//! Clients that bring their own get them from us, worthless; what is real is asked for once, kept here, and put into the
//! requests that need it. A refusal renews it once.

use super::client::failed;
use super::{FetchError, forward::Forwarded};
use arc_swap::ArcSwapOption;
use finex_providers::manifest;
use http::{HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A token is a word; whatever is longer is a page that says no.
const LONGEST_TOKEN: usize = 200;
/// Where a new pass was refused like the old one, something else is: none is asked for again for so long.
const FUTILE: Duration = Duration::from_secs(60);

/// What was last given to us.
pub struct Pass {
    cookie: HeaderValue,
    token: String,
}

pub struct Session {
    facts: manifest::Session,
    base_url: String,
    http: reqwest::Client,
    pass: ArcSwapOption<Pass>,
    asking: Mutex<()>,
    /// When a new pass was last refused.
    futile: ArcSwapOption<Instant>,
}

impl Session {
    pub fn new(facts: manifest::Session, base_url: String, http: reqwest::Client) -> Session {
        Session {
            facts,
            base_url,
            http,
            pass: ArcSwapOption::empty(),
            asking: Mutex::new(()),
            futile: ArcSwapOption::empty(),
        }
    }

    /// Does a path ask for it?
    pub fn guards(&self, path: &str) -> bool {
        self.facts.paths.iter().any(|start| path.starts_with(start.as_str()))
    }

    /// Takes out what a client brought, which is ours to begin with.
    pub fn strip(&self, request: &mut Forwarded) {
        request.headers.remove(header::COOKIE);
        if let Some(query) = &request.query {
            let own = |pair: &&str| pair.split('=').next() == Some(self.facts.parameter.as_str());
            let rest: Vec<&str> = query.split('&').filter(|pair| !own(pair)).collect();
            request.query = (!rest.is_empty()).then(|| rest.join("&"));
        }
    }

    /// Puts the pass into a request.
    pub fn sign(&self, request: &mut Forwarded, pass: &Pass) {
        request.headers.insert(header::COOKIE, pass.cookie.clone());
        let token = utf8_percent_encode(&pass.token, NON_ALPHANUMERIC);
        let signed = format!("{}={token}", self.facts.parameter);
        request.query = Some(match request.query.take() {
            Some(query) => format!("{query}&{signed}"),
            None => signed,
        });
    }

    /// Is a new pass worth asking for, when one is refused?
    pub fn may_help(&self) -> bool {
        self.futile.load().as_ref().is_none_or(|since| since.elapsed() > FUTILE)
    }

    /// Notes that it did not.
    pub fn did_not_help(&self) {
        self.futile.store(Some(Arc::new(Instant::now())));
    }

    /// The pass that is held, or a new one. `refused` is one that was turned away: it is not given out again.
    pub async fn pass(&self, refused: Option<&Arc<Pass>>) -> Result<Arc<Pass>, FetchError> {
        let good = |pass: &Arc<Pass>| refused.is_none_or(|refused| !Arc::ptr_eq(pass, refused));
        if let Some(pass) = self.pass.load_full().filter(good) {
            return Ok(pass);
        }
        // One asks, the others wait for what it gets.
        let _one_at_a_time = self.asking.lock().await;
        if let Some(pass) = self.pass.load_full().filter(good) {
            return Ok(pass);
        }
        let pass = Arc::new(self.ask().await?);
        self.pass.store(Some(pass.clone()));
        Ok(pass)
    }

    async fn ask(&self) -> Result<Pass, FetchError> {
        let home = self.http.get(&self.facts.cookie_url).send().await.map_err(|e| failed(&e))?;
        let given = home.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<&str> = given.filter_map(|cookie| cookie.split(';').next()).collect();
        let mut cookie = HeaderValue::from_str(&cookies.join("; ")).map_err(|_| no_pass("its cookie is malformed"))?;
        cookie.set_sensitive(true);
        let url = format!("{}{}", self.base_url, self.facts.token_path);
        let answer = self.http.get(url).header(header::COOKIE, &cookie).send().await.map_err(|e| failed(&e))?;
        let status = answer.status();
        let token = beginning(answer).await?;
        let token = token.trim();
        let sound =
            status.is_success() && !token.is_empty() && token.len() <= LONGEST_TOKEN && !token.contains(['<', ' ']);
        if !sound {
            return Err(no_pass(&format!("it answered {status} where it gives out tokens")));
        }
        Ok(Pass { cookie, token: token.to_owned() })
    }
}

/// As much of a body as a token can have, and a little more to see that it is none.
async fn beginning(mut answer: reqwest::Response) -> Result<String, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| failed(&e))? {
        body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_TOKEN)]);
        if body.len() > LONGEST_TOKEN {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn no_pass(why: &str) -> FetchError {
    FetchError::up(format!("the provider gave no session: {why}"))
}
