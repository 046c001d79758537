//! The unified API: `/api/v1/market-data/{symbol}/history` and `/latest`.

use super::choice::Chosen;
use super::params::{DEFAULT_INTERVAL, Params};
use super::{Router, reads};
use crate::render::problem::Problem;
use crate::render::unified::{Format, Page, history, latest};
use crate::render::{Answer, Served, cache_info::rfc3339};
use finex_core::ask::{Ask, Take};
use finex_core::columns::Columns;
use finex_core::time::{BEGINNING, END, Window};
use finex_providers::Unsupported;
use http::header::ACCEPT;
use http::request::Parts;
use percent_encoding::percent_decode_str;

const LONGEST_SYMBOL: usize = 100;

const HISTORY: [&str; 13] = [
    "start_time",
    "end_time",
    "start",
    "end",
    "interval",
    "limit",
    "provider",
    "layout",
    "format",
    "currency",
    "cache",
    "failover",
    "consensus",
];
const LATEST: [&str; 5] = ["interval", "provider", "currency", "cache", "failover"];

/// A history as it was asked for.
pub(super) struct Wanted {
    pub chosen: Chosen,
    pub limit: u64,
    pub format: Format,
    pub currency: Option<String>,
    /// Is another provider to be asked for the same bars?
    pub compared: bool,
}

impl Router {
    pub(super) async fn unified(&self, parts: &Parts) -> Answer {
        self.answer_unified(parts).await.unwrap_or_else(Problem::answer)
    }

    async fn answer_unified(&self, parts: &Parts) -> Result<Answer, Problem> {
        reads(parts)?;
        let (symbol, rest) = target(parts.uri.path())?;
        let query = parts.uri.query().unwrap_or_default();
        match rest {
            "history" => {
                let accepts_csv = parts.headers.get(ACCEPT).is_some_and(|v| v.as_bytes().starts_with(b"text/csv"));
                let wanted = self.history_of(&symbol, query, accepts_csv, parts)?;
                let served = match wanted.compared {
                    true => self.serve_compared(&wanted.chosen).await?,
                    false => self.serve(&wanted.chosen).await?,
                };
                of_currency(&served, wanted.currency.as_deref())?;
                let page = paginate(&served, &wanted);
                let mut answer = history(&served, &page, wanted.format, &parts.headers);
                self.note(&served, &mut answer);
                Ok(answer)
            }
            "latest" => {
                let params = Params::read(query, &LATEST)?;
                let interval = params.interval("1m")?;
                let ask = Ask::last(1, Columns::OHLCV);
                let chosen = self.choose(&symbol, interval, &params, ask, parts)?;
                let served = self.serve(&chosen).await?;
                of_currency(&served, params.get("currency"))?;
                let mut answer = latest(&served);
                self.note(&served, &mut answer);
                Ok(answer)
            }
            _ => Err(Problem::not_found("market-data has `history` and `latest`")),
        }
    }

    async fn serve(&self, chosen: &Chosen) -> Result<Served, Problem> {
        let request = &chosen.request;
        if request.terms.no_store {
            return self.gateway.serve_held(request).ok_or_else(|| {
                let detail = "it is not held, and cannot be fetched without being kept: ask the provider's own route, which \
                              passes such requests through";
                Problem::parameter("cache", detail)
            });
        }
        let served = match chosen.others.is_empty() {
            true => self.gateway.serve(request).await,
            false => self.gateway.serve_any(request, &chosen.others, chosen.named).await,
        };
        served.map_err(|failure| Problem::of(&failure, &request.series.provider))
    }

    async fn serve_compared(&self, chosen: &Chosen) -> Result<Served, Problem> {
        let Chosen { request, others, .. } = chosen;
        if others.is_empty() {
            let detail =
                "no other provider that can be asked has bars that mean the same: see `means` in the manifests";
            return Err(Problem::parameter("consensus", detail));
        }
        let served = self.gateway.serve_compared(request, others).await;
        let (served, second) = served.map_err(|failure| Problem::of(&failure, &request.series.provider))?;
        second.iter().for_each(|second| self.note_parts(second));
        Ok(served)
    }

    pub(super) fn history_of(&self, symbol: &str, query: &str, csv: bool, parts: &Parts) -> Result<Wanted, Problem> {
        let params = Params::read(query, &HISTORY)?;
        let now = (self.gateway.clock)();
        let start = params.time(&["start_time", "start"], now)?;
        let end = params.time(&["end_time", "end"], now)?;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(Problem::parameter("start_time", "start_time is after end_time"));
        }
        let limit = params.limit()?;
        let window = Window::new(start.unwrap_or(BEGINNING), end.unwrap_or(END));
        let take = if start.is_some() { Take::First(limit) } else { Take::Last(limit) };
        let ask = Ask { window, take, columns: Columns::OHLCV };
        let interval = params.interval(DEFAULT_INTERVAL)?;
        let chosen = self.choose(symbol, interval, &params, ask, parts)?;
        let currency = params.get("currency").map(str::to_owned);
        Ok(Wanted { chosen, limit, format: params.format(csv)?, currency, compared: params.compared()? })
    }
}

/// Refuses an answer in another currency than was asked for, where only the answer tells which it has.
fn of_currency(served: &Served, asked: Option<&str>) -> Result<(), Problem> {
    let own = served.cell.provider.currency(&served.cell.series, &served.sight.envelope);
    match asked.filter(|asked| !asked.eq_ignore_ascii_case(&own)) {
        None => Ok(()),
        Some(asked) => {
            let (symbol, asked) = (served.cell.series.symbol.to_string(), asked.chars().take(16).collect());
            Err(Problem::parameter("currency", Unsupported::Currency { symbol, own, asked }.to_string()))
        }
    }
}

/// Symbol and what is wanted of it.
pub(super) fn target(path: &str) -> Result<(String, &str), Problem> {
    let rest = path.strip_prefix("/api/v1/market-data/").unwrap_or_default();
    let (symbol, rest) = rest.split_once('/').ok_or_else(|| Problem::not_found("market-data needs a symbol"))?;
    let symbol = percent_decode_str(symbol).decode_utf8().map_err(|_| bad_symbol("the symbol is not UTF-8"))?;
    if symbol.is_empty() || symbol.len() > LONGEST_SYMBOL || symbol.chars().any(char::is_control) {
        return Err(bad_symbol("a symbol has 1 to 100 characters, none of them control characters"));
    }
    Ok((symbol.into_owned(), rest))
}

fn bad_symbol(detail: &str) -> Problem {
    Problem::parameter("symbol", detail)
}

/// Whether there is more than was asked for, and how to go on. Where that is not known, the grid says that there may be.
fn paginate(served: &Served, wanted: &Wanted) -> Page {
    let end = Page { has_more: false, next: None };
    let (ask, now, cell) = (served.ask, served.journey.now, &served.cell);
    let Some((first, last)) = served.range().filter(|_| served.rows() as u64 >= wanted.limit) else { return end };
    let forwards = matches!(ask.take, Take::First(_));
    let rest = if forwards {
        Ask { window: Window::new(cell.grid.cover_end(last), ask.window.to), take: Take::First(1), ..ask }
    } else {
        Ask { window: Window::new(ask.window.from, first), take: Take::Last(1), ..ask }
    };
    let snapshot = cell.snapshot();
    let parts = snapshot.select(&rest);
    let known = snapshot.answers(&rest, &parts, now);
    let has_more = if known { !parts.is_empty() } else { rest.window.from <= now && !rest.window.is_empty() };
    let next = if forwards { ("start_time", rfc3339(rest.window.from)) } else { ("end_time", rfc3339(first)) };
    if has_more { Page { has_more, next: Some(next) } } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_checked_before_anything_else() {
        assert_eq!(target("/api/v1/market-data/BTC%2FUSD/history").ok(), Some(("BTC/USD".into(), "history")));
        for bad in [
            "/api/v1/market-data/",
            "/api/v1/market-data//history",
            "/api/v1/market-data/%00/history",
            "/api/v1/market-data/%ff/history",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
        assert!(target(&format!("/api/v1/market-data/{}/history", "A".repeat(10_000))).is_err());
    }
}
