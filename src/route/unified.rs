//! The unified API: `/api/v1/market-data/{symbol}/history` and `/latest`.

use super::{Client, Router, header_of, provider, reads, terms_of, who_asks};
use crate::gateway::Request;
use crate::render::problem::{Problem, nearest};
use crate::render::unified::{Format, Page, history, latest};
use crate::render::{Answer, Served, cache_info::rfc3339};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::Interval;
use finex_core::columns::Columns;
use finex_core::terms::Terms;
use finex_core::time::{BEGINNING, END, Ts, Window};
use finex_providers::{Native, Unsupported};
use http::StatusCode;
use http::header::ACCEPT;
use http::request::Parts;
use percent_encoding::percent_decode_str;

/// Stated defaults: the newest 500 daily bars of the first provider that is switched on.
const DEFAULT_PROVIDER: &str = "binance";
const DEFAULT_INTERVAL: &str = "1d";
const DEFAULT_LIMIT: u64 = 500;
const MAX_LIMIT: u64 = 5_000;
const LONGEST_SYMBOL: usize = 100;

const HISTORY: [&str; 11] = [
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
];
const LATEST: [&str; 4] = ["interval", "provider", "currency", "cache"];

/// A history as it was asked for.
pub(super) struct Wanted {
    pub request: Request,
    pub limit: u64,
    pub format: Format,
    pub currency: Option<String>,
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
                let served = self.serve(&wanted.request).await?;
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
                let request = self.wanted(&symbol, interval, &params, ask, parts)?;
                let served = self.serve(&request).await?;
                of_currency(&served, params.get("currency"))?;
                let mut answer = latest(&served);
                self.note(&served, &mut answer);
                Ok(answer)
            }
            _ => Err(Problem::not_found("market-data has `history` and `latest`")),
        }
    }

    async fn serve(&self, request: &Request) -> Result<Served, Problem> {
        if request.terms.no_store {
            return self.gateway.serve_held(request).ok_or_else(|| {
                let detail = "it is not held, and cannot be fetched without being kept: ask the provider's own route, which \
                              passes such requests through";
                Problem::parameter("cache", detail)
            });
        }
        let served = self.gateway.serve(request).await;
        served.map_err(|failure| Problem::of(&failure, &request.series.provider))
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
        let request = self.wanted(symbol, interval, &params, ask, parts)?;
        let currency = params.get("currency").map(str::to_owned);
        Ok(Wanted { request, limit, format: params.format(csv)?, currency })
    }

    fn wanted(
        &self,
        symbol: &str,
        interval: Interval,
        params: &Params,
        ask: Ask,
        parts: &Parts,
    ) -> Result<Request, Problem> {
        let id = params.get("provider").unwrap_or(DEFAULT_PROVIDER);
        let provider = provider(&self.gateway, id).ok_or_else(|| {
            let known: Vec<String> = self.gateway.fetchers().map(|f| f.provider.manifest().id.clone()).collect();
            let detail = format!("there is no provider of this name; there are: {}", known.join(", "));
            Problem::new("unknown-provider", "The provider is unknown", StatusCode::NOT_FOUND, detail)
        })?;
        let series = provider.series(symbol, interval).map_err(|unsupported| match &unsupported {
            Unsupported::Interval { .. } => Problem::parameter("interval", unsupported.to_string()),
            Unsupported::Symbol { .. } => {
                Problem::new("unknown-symbol", "The symbol is unknown", StatusCode::NOT_FOUND, unsupported.to_string())
            }
            Unsupported::Currency { .. } => Problem::parameter("currency", unsupported.to_string()),
        })?;
        let own_only_known_later = provider.needs_sight();
        if let Some(asked) = params.get("currency").filter(|_| !own_only_known_later)
            && !asked.eq_ignore_ascii_case(&series.currency)
        {
            let (symbol, own) = (symbol.to_owned(), series.currency.to_string());
            let unsupported = Unsupported::Currency { symbol, own, asked: asked.chars().take(16).collect() };
            return Err(Problem::parameter("currency", unsupported.to_string()));
        }
        let mut ask = Ask { columns: provider.columns(&series), ..ask };
        if let (Take::Last(_), Some(depth)) = (ask.take, self.gateway.limits(&series).and_then(|limits| limits.depth)) {
            // The newest bars are sought as far back as the provider reaches.
            ask.window.from = ask.window.from.max((self.gateway.clock)() - depth + 3_600_000);
        }
        // A client's own key counts where it stands in a header; parameters are the unified API's.
        let admission = self
            .gateway
            .fetcher(id)
            .map(|fetcher| fetcher.admit("", &|name| header_of(&parts.headers, name)))
            .unwrap_or_default();
        let said = Terms::parse(params.get("cache").unwrap_or_default());
        let terms = said.map_err(|bad| Problem::parameter("cache", bad.to_string()))?.or(terms_of(&parts.headers));
        let client = Client { terms, who: who_asks(parts) };
        Ok(self.request(series.into(), ask, Native::default(), &client, &admission))
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
    let (ask, now, cell) = (wanted.request.ask, served.journey.now, &served.cell);
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

/// Query parameters, each known and at most once.
struct Params(Vec<(String, String)>);

impl Params {
    fn read(query: &str, known: &[&str]) -> Result<Params, Problem> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| {
                let text = text.replace('+', "%20");
                percent_decode_str(&text).decode_utf8_lossy().into_owned()
            };
            // A plus in a time is a zone, not a space.
            let (name, value) = (decode(name), percent_decode_str(value).decode_utf8_lossy().into_owned());
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                let hint = nearest(&shown, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Problem::parameter(&shown, format!("there is no parameter of this name{hint}")));
            }
            if params.iter().any(|(seen, _)| *seen == name) {
                return Err(Problem::parameter(&name, "it is given twice"));
            }
            params.push((name, value));
        }
        Ok(Params(params))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn interval(&self, default: &str) -> Result<Interval, Problem> {
        let text = self.get("interval").unwrap_or(default);
        text.parse().map_err(|unknown: finex_core::calendar::UnknownInterval| {
            Problem::parameter("interval", unknown.to_string())
        })
    }

    fn limit(&self) -> Result<u64, Problem> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse::<u64>().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
        limit.ok_or_else(|| Problem::parameter("limit", format!("write a number from 1 to {MAX_LIMIT}")))
    }

    fn format(&self, csv: bool) -> Result<Format, Problem> {
        let layout = match self.get("layout") {
            None | Some("rows") => Format::Rows,
            Some("columns") => Format::Columns,
            Some(_) => return Err(Problem::parameter("layout", "write rows or columns")),
        };
        match self.get("format") {
            None if csv => Ok(Format::Csv),
            None | Some("json") => Ok(layout),
            Some("csv") => Ok(Format::Csv),
            Some(_) => Err(Problem::parameter("format", "write json or csv")),
        }
    }

    fn time(&self, names: &[&'static str], now: Ts) -> Result<Option<Ts>, Problem> {
        let given: Vec<(&str, &str)> = names.iter().filter_map(|name| Some((*name, self.get(name)?))).collect();
        match given[..] {
            [] => Ok(None),
            [(name, text)] => parse_time(text, now).map(Some).ok_or_else(|| {
                let detail = "write a time as 2024-01-31, 2024-01-31T09:30:00Z, an epoch in seconds, milliseconds or \
                              microseconds from 1970 to 2200, now, or -30d";
                Problem::parameter(name, detail)
            }),
            [(name, _), ..] => Err(Problem::parameter(name, "it is given twice, under two names")),
        }
    }
}

/// A date is its first instant in UTC; numbers are told apart by their size; `-30d` counts back from now.
pub(super) fn parse_time(text: &str, now: Ts) -> Option<Ts> {
    const LATEST: Ts = 7_258_118_400_000; // 2200-01-01
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    let ts = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() && text.len() <= 16 {
        let n: i64 = text.parse().ok()?;
        match text.len() {
            ..=10 => n * 1_000,
            11..=14 => n,
            _ => n / 1_000,
        }
    } else if let Some(ago) = text.strip_prefix('-') {
        now.checked_sub(finex_providers::manifest::parse_millis(ago)?)?
    } else if text.len() == 10 {
        format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok()?.as_millisecond()
    } else {
        text.parse::<jiff::Timestamp>().ok()?.as_millisecond()
    };
    (0..=LATEST).contains(&ts).then_some(ts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let new_year = Some(1_704_067_200_000);
        for text in [
            "2024-01-01",
            "2024-01-01T00:00:00Z",
            "2024-01-01T01:00:00+01:00",
            "1704067200",
            "1704067200000",
            "1704067200000000",
        ] {
            assert_eq!(parse_time(text, 0), new_year, "{text}");
        }
        assert_eq!(parse_time("-1d", 86_400_000 * 3), Some(86_400_000 * 2));
        for bad in
            ["", "yesterday", "2024-13-01", "2024-02-30", "-5", "99999999999999999", "1e9", "2024-01-01T25:00:00Z"]
        {
            assert_eq!(parse_time(bad, 1_704_067_200_000), None, "{bad}");
        }
    }

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
