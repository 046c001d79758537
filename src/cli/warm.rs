//! `finex warm`: has a running gateway fetch history ahead of time, and tells how far it is.

use super::{Failed, runtime};
use serde_json::{Value, json};
use std::time::Duration;

/// What to fetch, and which gateway is to do it.
#[derive(clap::Args)]
pub struct Wanted {
    /// Where the gateway is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Its admin token, if it has one
    #[arg(long, env = "FINEX_ADMIN__TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[arg(long, default_value = "binance")]
    provider: String,
    /// Once for each symbol
    #[arg(long = "symbol", required = true)]
    symbols: Vec<String>,
    #[arg(long, default_value = "1d")]
    interval: String,
    /// A date, RFC 3339, an epoch, or -30d
    #[arg(long, allow_hyphen_values = true)]
    from: String,
    /// The same; now if it is left out
    #[arg(long, allow_hyphen_values = true)]
    to: Option<String>,
}

/// How often the gateway is asked how far it is.
const EVERY: Duration = Duration::from_millis(500);

pub fn run(wanted: &Wanted) -> Result<(), Failed> {
    runtime()?.block_on(follow(wanted))
}

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
async fn follow(wanted: &Wanted) -> Result<(), Failed> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().map_err(|e| Failed::Other(e.to_string()))?;
    let url = format!("{}/api/v1/cache/warm", wanted.url.trim_end_matches('/'));
    let body = json!({
        "provider": wanted.provider, "symbols": wanted.symbols, "interval": wanted.interval,
        "from": wanted.from, "to": wanted.to,
    });
    let mut request = http.post(&url).body(body.to_string());
    if let Some(token) = &wanted.token {
        request = request.bearer_auth(token);
    }
    let begun = read(request).await?;
    let id = begun["id"].as_str().ok_or_else(|| refused(&begun))?.to_owned();
    let mut shown = String::new();
    loop {
        let told = read(http.get(&url)).await?;
        let jobs = told["jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let job = jobs.iter().find(|job| job["id"] == *id).cloned().unwrap_or_default();
        let line = in_words(&job);
        if line != shown {
            println!("{line}");
            shown = line;
        }
        match job["state"].as_str() {
            Some("running" | "waiting") => tokio::time::sleep(EVERY).await,
            Some("done") => return Ok(()),
            _ => return Err(refused(&job)),
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Value, Failed> {
    let text = async { request.send().await?.text().await };
    let text = text.await.map_err(|e| Failed::Other(format!("the gateway cannot be reached: {}", e.without_url())))?;
    serde_json::from_str(&text).map_err(|_| Failed::Other("that is no finex: its answer is not understood".to_owned()))
}

fn refused(told: &Value) -> Failed {
    let why = told["detail"].as_str().or(told["why"].as_str()).unwrap_or("the gateway does not know the job any more");
    Failed::Other(why.to_owned())
}

fn in_words(job: &Value) -> String {
    let number = |name: &str| job[name].as_u64().unwrap_or(0);
    let why = job["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "{:<8} {}/{} stretches, {} bars, {} of them fetched, {} calls{why}",
        job["state"].as_str().unwrap_or("?"),
        number("done"),
        number("total"),
        number("bars"),
        number("fetched"),
        number("calls")
    )
}
