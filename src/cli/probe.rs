//! `finex probe`: asks a provider until it refuses, with the user's own key, and tells which limits that shows.

use super::{Failed, Settings, runtime};
use crate::app::App;
use crate::config::DiskKind;
use crate::fetch::{Answer, Fetcher};
use crate::observe::system_clock;
use finex_core::status::ErrorClass;
use std::time::{Duration, Instant};

/// Whom to ask, and how often at most.
#[derive(clap::Args)]
pub struct Wanted {
    provider: String,
    /// Calls at most; it ends at the first refusal
    #[arg(long, default_value_t = 10)]
    calls: u32,
    /// Milliseconds between them
    #[arg(long, default_value_t = 0)]
    every: u64,
    /// What to ask for, instead of something cheap that the provider has: /path?query
    #[arg(long)]
    path: Option<String>,
    #[command(flatten)]
    pub settings: Settings,
}

/// Parts of the names of headers that speak of allowances.
const TELLING: [&str; 7] = ["ratelimit", "rate-limit", "weight", "credit", "retry-after", "remaining", "quota"];

pub fn run(wanted: &Wanted) -> Result<(), Failed> {
    let mut config = wanted.settings.load()?;
    // The folder may be in use by a gateway, and nothing is kept of this.
    config.cache.l3.kind = DiskKind::Off;
    runtime()?.block_on(async {
        let app = App::build(config, system_clock(), false)?;
        let known = || app.gateway.fetchers().map(|f| f.provider.manifest().id.clone()).collect::<Vec<_>>().join(", ");
        let fetcher = app.gateway.fetcher(&wanted.provider);
        let fetcher =
            fetcher.ok_or_else(|| Failed::Other(format!("there is no such provider; there are: {}", known())))?;
        let path = wanted.path.clone().or_else(|| fetcher.provider.manifest().probe.clone());
        let path = path.ok_or_else(|| Failed::Other("give --path: it is not known what is cheap to ask for".into()))?;
        probe(fetcher, &path, wanted).await
    })
}

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
async fn probe(fetcher: &Fetcher, path: &str, wanted: &Wanted) -> Result<(), Failed> {
    let id = &fetcher.provider.manifest().id;
    println!("asking {id} for {} at most {} times", path.split('?').next().unwrap_or_default(), wanted.calls);
    let begun = Instant::now();
    for call in 1..=wanted.calls {
        let started = Instant::now();
        let answer = fetcher.probe(path).await.map_err(|failure| Failed::Other(failure.detail))?;
        let class = judged(fetcher, &answer);
        let verdict = class.map_or("ok", ErrorClass::name);
        println!(
            "{call:>4}  {:>7.3} s  {}  {verdict:<8} {:>5} ms  {}",
            begun.elapsed().as_secs_f64(),
            answer.status.as_u16(),
            started.elapsed().as_millis(),
            told(&answer)
        );
        match class {
            Some(ErrorClass::Rate | ErrorClass::Quota) => {
                let seconds = begun.elapsed().as_secs_f64();
                println!("refused after {} calls in {seconds:.1} s. If that is its limit, say so:", call - 1);
                println!("[providers.{id}.limits]\n{} = {}", named(fetcher, seconds), call - 1);
                return Ok(());
            }
            Some(class) => {
                let text =
                    format!("{id} refuses this for another reason ({}); try another --path, or a key", class.name());
                return Err(Failed::Other(text));
            }
            None => tokio::time::sleep(Duration::from_millis(wanted.every)).await,
        }
    }
    println!("{} calls in {:.1} s were not refused", wanted.calls, begun.elapsed().as_secs_f64());
    Ok(())
}

fn judged(fetcher: &Fetcher, answer: &Answer) -> Option<ErrorClass> {
    let content_type = answer.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    fetcher.provider.classify(answer.status.as_u16(), content_type.unwrap_or_default(), &answer.body)
}

/// Headers that speak of allowances.
fn told(answer: &Answer) -> String {
    let speaks = |name: &&http::HeaderName| TELLING.iter().any(|part| name.as_str().contains(part));
    let names = answer.headers.keys().filter(speaks);
    let each = names.filter_map(|name| Some(format!("{name}: {}", answer.headers.get(name)?.to_str().ok()?)));
    each.collect::<Vec<_>>().join(", ")
}

/// The shortest of its windows in which the calls lie.
fn named(fetcher: &Fetcher, seconds: f64) -> String {
    let windows = fetcher.provider.manifest().limits.iter();
    let holds = windows.filter(|limit| limit.window as f64 / 1_000.0 >= seconds).min_by_key(|limit| limit.window);
    holds.map_or_else(|| "\"calls-1m\"".to_owned(), |limit| format!("\"{}\"", limit.name))
}
