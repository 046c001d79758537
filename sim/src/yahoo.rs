//! Yahoo Finance, as far as its charts go, with what a client asks for before them.
//!
//! Behaviour as recorded from 2021 to 2025: windows inclusive at both ends; a live row off the grid; splits and dividends
//! that rewrite the past; weeks, months and quarters cut by the window; cookie and crumb for quotes but not for charts.

mod access;
mod actions;
mod body;
mod chart;
mod interval;
mod meta;
mod pages;
mod query;
#[cfg(test)]
mod tests;
mod view;

pub use actions::Effect;

use crate::faults::Fault;
use crate::json::{Object, Params, decode};
use crate::market::Market;
use access::Access;
use actions::{Action, Changes, Correction, Kind};
use finex_core::time::Ts;
use http::HeaderMap;
use interval::Interval;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use view::View;

pub(crate) const JSON: &str = "application/json;charset=utf-8";
const CHART: &str = "/v8/finance/chart/";
const SUMMARY: &str = "/v10/finance/quoteSummary/";
const TIMESERIES: &str = "/ws/fundamentals-timeseries/v1/finance/timeseries/";

/// An answer before faults.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &'static str, body: String) -> Answer {
        let headers = vec![("cache-control", "max-age=0, private".to_owned()), ("vary", "Origin".to_owned())];
        Answer { status, content_type, body, headers }
    }

    /// Data that may be kept for `fresh` seconds and shown for `stale` more.
    pub(crate) fn data(body: String, fresh: u32, stale: u32) -> Answer {
        let cache = format!("public, max-age={fresh}, stale-while-revalidate={stale}");
        let headers = vec![("cache-control", cache), ("vary", "Origin,Accept-Encoding".to_owned())];
        Answer { status: 200, content_type: JSON, body, headers }
    }

    pub(crate) fn error(envelope: &str, status: u16, code: &str, description: &str) -> Answer {
        Answer::new(status, JSON, error_body(envelope, code, description))
    }
}

impl Fault {
    /// A refusal as Yahoo writes it; whoever lacks access is told so in another envelope.
    pub fn yahoo(status: u16, code: &str, description: &str) -> Fault {
        let envelope = if status == 401 { "finance" } else { "chart" };
        let body = error_body(envelope, code, description);
        Fault::Status { status, content_type: JSON, body, retry_after: None }
    }
}

fn error_body(envelope: &str, code: &str, description: &str) -> String {
    let error = Object::default().text("code", code).text("description", description).end();
    let inner = Object::default().raw("result", "null").raw("error", error).end();
    Object::default().raw(envelope, inner).end()
}

/// Whether the path is one of Yahoo's.
pub fn serves(path: &str) -> bool {
    const EXACT: [&str; 4] = ["/", "/v1/test/getcrumb", "/v7/finance/quote", "/v1/finance/search"];
    let under = ["/quote/", CHART, SUMMARY, TIMESERIES];
    EXACT.contains(&path) || under.iter().any(|prefix| path.starts_with(prefix))
}

pub fn is_series(path: &str) -> bool {
    path.starts_with(CHART)
}

/// A simulated Yahoo. What a test changes about it shows from the next answer on.
#[derive(Debug)]
pub struct Yahoo {
    access: Access,
    /// By canonical symbol.
    changes: Mutex<HashMap<&'static str, Changes>>,
    noise: AtomicBool,
    stray_live: AtomicBool,
    turn: AtomicU64,
}

impl Default for Yahoo {
    fn default() -> Yahoo {
        Yahoo {
            access: Access::default(),
            changes: Mutex::default(),
            noise: AtomicBool::new(true),
            stray_live: AtomicBool::new(false),
            turn: AtomicU64::new(0),
        }
    }
}

/// Controls.
impl Yahoo {
    /// A split whose ex-date is year, month and day. Prices of earlier days are divided by its ratio; those from the
    /// ex-date on stay what they are without it. False if the symbol or the day does not exist.
    pub fn add_split(&self, symbol: &str, ex: (i16, i8, i8), numerator: u32, denominator: u32, effect: Effect) -> bool {
        self.add(symbol, ex, Kind::Split { numerator, denominator }, effect)
    }

    /// A dividend, as declared in the shares of its time. False if the symbol or the day does not exist.
    pub fn add_dividend(&self, symbol: &str, ex: (i16, i8, i8), amount: f64, effect: Effect) -> bool {
        self.add(symbol, ex, Kind::Dividend(amount), effect)
    }

    fn add(&self, symbol: &str, (year, month, day): (i16, i8, i8), kind: Kind, effect: Effect) -> bool {
        let (market, date) = (Market::find(symbol), Date::new(year, month, day).ok());
        let Some((market, date)) = market.zip(date) else { return false };
        let Some(action) = Action::new(&market, date, kind, Some(effect)) else { return false };
        self.changes().entry(market.listing.symbol).or_default().actions.push(action);
        true
    }

    /// From `from`, milliseconds of the simulated clock, the bar that opens at `open`, in seconds, shows its close and
    /// volume times `factor`. A corrected day shows in weeks and months too. False if there is no such symbol or interval.
    pub fn correct(&self, symbol: &str, interval: &str, open: i64, factor: f64, from: Ts) -> bool {
        let (market, interval) = (Market::find(symbol), Interval::find(interval));
        let Some((market, interval)) = market.zip(interval) else { return false };
        let from = from.div_euclid(1_000);
        let correction = Correction { granularity: interval.granularity(), stamp: open, factor, from };
        self.changes().entry(market.listing.symbol).or_default().corrections.push(correction);
        true
    }

    /// Whether quotes and summaries need cookie and crumb, as they do at first. Charts and searches never do.
    pub fn require_crumb(&self, on: bool) {
        self.access.require(on);
    }

    /// The cookies and crumbs handed out so far become invalid.
    pub fn expire_crumb(&self) {
        self.access.expire();
    }

    /// Whether adjusted closes wobble from minute to minute, as they do at first.
    pub fn set_noise(&self, on: bool) {
        self.noise.store(on, Ordering::SeqCst);
    }

    /// Whether intraday rows end with the live one even if the window ends before it, as was seen once.
    pub fn set_stray_live(&self, on: bool) {
        self.stray_live.store(on, Ordering::SeqCst);
    }

    fn changes(&self) -> MutexGuard<'_, HashMap<&'static str, Changes>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers.
impl Yahoo {
    /// None if the path is not Yahoo's. Only faults that touch rows show here.
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        now: Ts,
        fault: Option<&Fault>,
    ) -> Option<Answer> {
        if !serves(path) {
            return None;
        }
        if !matches!(method, "GET" | "HEAD") {
            return Some(Answer::new(405, "text/plain", "Method Not Allowed".to_owned()));
        }
        let (params, now) = (Params::read(query), now.div_euclid(1_000));
        Some(match path {
            "/" => self.access.page(404),
            "/v1/test/getcrumb" => self.access.give_crumb(headers),
            "/v1/finance/search" => pages::search(&params, self.turn()),
            "/v7/finance/quote" => {
                let refusal = self.access.refusal(headers, &params);
                refusal.unwrap_or_else(|| pages::quote(&params, |symbol| self.view(symbol, now)))
            }
            _ => self.about(path, &params, headers, now, fault),
        })
    }

    /// Paths that end with a symbol.
    fn about(&self, path: &str, params: &Params, headers: &HeaderMap, now: i64, fault: Option<&Fault>) -> Answer {
        let symbol = decode(path.rsplit('/').next().unwrap_or_default());
        if path.starts_with(CHART) {
            return self.chart(&symbol, params, now, fault).unwrap_or_else(|refusal| refusal);
        }
        if path.starts_with(SUMMARY) {
            let refusal = self.access.refusal(headers, params);
            return refusal.unwrap_or_else(|| pages::summary(&symbol, params, self.view(&symbol, now).as_ref()));
        }
        if path.starts_with(TIMESERIES) {
            return Answer::data("{\"timeseries\":{\"result\":[],\"error\":null}}".to_owned(), 10, 20);
        }
        self.access.page(if Market::find(&symbol).is_some() { 200 } else { 404 })
    }

    fn chart(&self, symbol: &str, params: &Params, now: i64, fault: Option<&Fault>) -> Result<Answer, Answer> {
        query::names(params)?;
        let view = self.view(symbol, now).ok_or_else(query::not_found)?;
        let request = query::chart(params, &view, self.stray_live.load(Ordering::SeqCst))?;
        Ok(Answer::data(body::body(&request, &view, self.turn(), fault), 10, 20))
    }

    fn view(&self, symbol: &str, now: i64) -> Option<View> {
        let market = Market::find(symbol)?;
        let changes = self.changes().get(market.listing.symbol).cloned().unwrap_or_default();
        let noisy = self.noise.load(Ordering::SeqCst);
        View::new(market, now, Changes { noisy, ..changes })
    }

    fn turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::SeqCst)
    }
}
