//! For which provider a request of the unified API is, and who could answer in its place.

use super::params::{DEFAULT_INTERVAL, Params};
use super::{Client, Router, header_of, provider, terms_of, who_asks};
use crate::fetch::Fetcher;
use crate::gateway::Request;
use crate::render::problem::Problem;
use finex_core::ask::{Ask, Take};
use finex_core::calendar::Interval;
use finex_core::series::Series;
use finex_core::terms::Terms;
use finex_core::time::Window;
use finex_providers::{Native, Unsupported};
use http::StatusCode;
use http::request::Parts;
use std::sync::Arc;

/// Who is asked for what is written like a stock of the United States, and who for everything else, unless it is named.
const OF_STOCKS: &str = "yahoo";
const OF_ALL: &str = "binance";

/// A request, and the same bars as others have to be asked for them.
pub(super) struct Chosen {
    pub request: Request,
    pub others: Vec<Request>,
    /// Has the client named the provider?
    pub named: bool,
}

impl Router {
    pub(super) fn choose(
        &self,
        symbol: &str,
        interval: Interval,
        params: &Params,
        ask: Ask,
        parts: &Parts,
    ) -> Result<Chosen, Problem> {
        let named = params.get("provider");
        let fetcher = self.gateway.fetcher(named.unwrap_or_else(|| self.usual(symbol))).ok_or_else(|| {
            let known: Vec<String> = self.gateway.fetchers().map(|f| f.provider.manifest().id.clone()).collect();
            let detail = format!("there is no provider of this name; there are: {}", known.join(", "));
            Problem::new("unknown-provider", "The provider is unknown", StatusCode::NOT_FOUND, detail)
        })?;
        let series = fetcher.provider.series(symbol, interval).map_err(|unsupported| unsupported_of(&unsupported))?;
        let asked = params.get("currency");
        if !may_have(fetcher, &series, asked) {
            let (symbol, own) = (symbol.to_owned(), series.currency.to_string());
            let asked = asked.unwrap_or_default().chars().take(16).collect();
            return Err(Problem::parameter("currency", Unsupported::Currency { symbol, own, asked }.to_string()));
        }
        let said = Terms::parse(params.get("cache").unwrap_or_default());
        let terms = said.map_err(|bad| Problem::parameter("cache", bad.to_string()))?.or(terms_of(&parts.headers));
        let client = Client { terms, who: who_asks(parts) };
        let others = match params.failover()? || params.compared()? {
            true => self.others(fetcher, &series, ask, asked, &client, parts),
            false => Vec::new(),
        };
        let request = self.asked_of(fetcher, series, ask, &client, parts);
        Ok(Chosen { request, others, named: named.is_some() })
    }

    fn usual(&self, symbol: &str) -> &'static str {
        let day = DEFAULT_INTERVAL.parse().ok();
        let stocks = provider(&self.gateway, OF_STOCKS).zip(day);
        match stocks.and_then(|(provider, day)| provider.manifest().meaning(symbol, day)) {
            Some(_) => OF_STOCKS,
            None => OF_ALL,
        }
    }

    /// The same bars of all others that mean the same by them and can be asked.
    fn others(
        &self,
        own: &Arc<Fetcher>,
        series: &Series,
        ask: Ask,
        currency: Option<&str>,
        client: &Client,
        parts: &Parts,
    ) -> Vec<Request> {
        let (manifest, interval) = (own.provider.manifest(), series.interval);
        let Some(meaning) = manifest.meaning(&series.symbol, interval) else { return Vec::new() };
        let other = |fetcher: &Arc<Fetcher>| {
            let theirs = fetcher.provider.manifest();
            let symbol = theirs.spelled(&meaning).filter(|_| theirs.id != manifest.id)?;
            let series = fetcher.provider.series(&symbol, interval).ok()?;
            let window = manifest.window_at(theirs, interval, ask.window);
            let request = self.asked_of(fetcher, series, Ask { window, ..ask }, client, parts);
            let has_key = theirs.keys.is_empty() || request.credential.is_some();
            (has_key && may_have(fetcher, &request.series, currency)).then_some(request)
        };
        self.gateway.fetchers().filter_map(other).collect()
    }

    fn asked_of(&self, fetcher: &Arc<Fetcher>, series: Series, ask: Ask, client: &Client, parts: &Parts) -> Request {
        let mut ask = Ask { columns: fetcher.provider.columns(&series), ..ask };
        if let (Take::Last(_), Some(depth)) = (ask.take, self.gateway.limits(&series).and_then(|limits| limits.depth)) {
            // The newest bars are sought as far back as the provider reaches.
            let from = ask.window.from.max((self.gateway.clock)() - depth + 3_600_000);
            ask.window = Window { from, ..ask.window };
        }
        // A client's own key counts where it stands in a header; parameters are the unified API's.
        let admission = fetcher.admit("", &|name| header_of(&parts.headers, name));
        self.request(series.into(), ask, Native::default(), client, &admission)
    }
}

/// May its bars have the currency that was asked for? Some are only known by their answers.
fn may_have(fetcher: &Fetcher, series: &Series, currency: Option<&str>) -> bool {
    fetcher.provider.needs_sight() || currency.is_none_or(|asked| asked.eq_ignore_ascii_case(&series.currency))
}

fn unsupported_of(unsupported: &Unsupported) -> Problem {
    match unsupported {
        Unsupported::Interval { .. } => Problem::parameter("interval", unsupported.to_string()),
        Unsupported::Symbol { .. } => {
            Problem::new("unknown-symbol", "The symbol is unknown", StatusCode::NOT_FOUND, unsupported.to_string())
        }
        Unsupported::Currency { .. } => Problem::parameter("currency", unsupported.to_string()),
    }
}
