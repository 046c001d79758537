//! The conductor: from an ask to rows.

pub mod assemble;
mod before;
mod bisect;
pub mod board;
pub mod commit;
pub mod degrade;
pub mod explain;
mod failover;
pub mod flight;
pub mod gather;
pub mod invalidate;
pub mod lease;
mod market;
mod prefetch;
mod refresh;
pub mod schedule;
pub mod serve;
pub mod spent;
mod travel;
mod unknown;
mod upkeep;
pub mod verify;
pub mod warm;

use crate::config::{self, Config};
use crate::fetch::Fetcher;
use crate::fetch::turns::Who;
use crate::observe::clocks::Clocks;
use crate::observe::events::Events;
use crate::store::tiers::Tiers;
use bisect::Learned;
use board::Flights;
use finex_core::ask::Ask;
use finex_core::plan::Limits;
use finex_core::series::Series;
use finex_core::terms::Terms;
use finex_core::time::Clock;
use finex_providers::Native;
use finex_providers::keys::Credential;
use gather::Member;
use lease::Leases;
use prefetch::Prefetch;
use spent::SpentFile;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::task::TaskTracker;
use unknown::Unknown;
use warm::Warmings;

/// What a client wants, in finex' own terms.
#[derive(Debug, Clone)]
pub struct Request {
    pub series: Arc<Series>,
    pub ask: Ask,
    /// How a client of a native facade put it.
    pub native: Native,
    /// What it says of the age of its answer.
    pub terms: Terms,
    /// For whom calls are made for it.
    pub who: Who,
    /// With which key calls are made for it.
    pub credential: Option<Arc<Credential>>,
    /// Its place among those that are asked for together.
    pub member: Option<Arc<Member>>,
}

pub struct Gateway {
    pub tiers: Tiers,
    pub clock: Clock,
    clocks: Arc<Clocks>,
    fetchers: BTreeMap<String, Arc<Fetcher>>,
    planning: config::Planning,
    flights: Flights,
    learned: Learned,
    unknown: Unknown,
    leases: Arc<dyn Leases>,
    cache: config::Cache,
    patience: Duration,
    events: Events,
    spent: Option<SpentFile>,
    warmings: Warmings,
    prefetch: Prefetch,
    /// Work that outlives the request that began it.
    tasks: TaskTracker,
    /// For that work to hold on to.
    me: Weak<Gateway>,
}

impl Gateway {
    pub fn new(
        tiers: Tiers,
        fetchers: BTreeMap<String, Arc<Fetcher>>,
        config: &Config,
        clocks: Arc<Clocks>,
        events: Events,
        leases: Arc<dyn Leases>,
        spent: Option<SpentFile>,
    ) -> Arc<Gateway> {
        Arc::new_cyclic(|me| Gateway {
            tiers,
            clock: clocks.clock(),
            clocks,
            fetchers,
            planning: config.plan.clone(),
            flights: Flights::default(),
            learned: Learned::default(),
            unknown: Unknown::default(),
            leases,
            cache: config.cache.clone(),
            patience: config.server.request_timeout.0,
            events,
            spent,
            warmings: Warmings::default(),
            prefetch: Prefetch::new(&config.prefetch),
            tasks: TaskTracker::new(),
            me: me.clone(),
        })
    }

    /// By id, or by another name of the provider.
    pub fn fetcher(&self, provider: &str) -> Option<&Arc<Fetcher>> {
        self.fetchers.get(provider).or_else(|| {
            let is_alias = |fetcher: &&Arc<Fetcher>| fetcher.provider.manifest().aliases.iter().any(|a| a == provider);
            self.fetchers.values().find(is_alias)
        })
    }

    pub fn fetchers(&self) -> impl Iterator<Item = &Arc<Fetcher>> {
        self.fetchers.values()
    }

    /// What the planner has to know of a series; none if nobody can be asked for it.
    pub fn limits(&self, series: &Series) -> Option<Limits> {
        let bytes = if self.planning.widen { self.planning.max_call_bytes.0 } else { 0 };
        let provider = &self.fetchers.get(series.provider.as_ref())?.provider;
        let limits = provider.limits(series, bytes, self.planning.max_calls);
        let page = self.learned.page(series, (self.clock)()).map_or(limits.page, |page| page.min(limits.page));
        Some(Limits { page, ..limits })
    }

    /// Is it a piece of its own that will be another one tomorrow? To keep it would be to keep it for nobody.
    pub fn is_passing(&self, request: &Request) -> bool {
        let Some(limits) = self.limits(&request.series).filter(|limits| limits.whole) else { return false };
        let over =
            request.ask.window.to.saturating_add(limits.settle).saturating_add(request.series.interval.nominal_len());
        over > (self.clock)()
    }

    /// Series for which calls are under way, or a failure is remembered.
    pub fn flights_under_way(&self) -> usize {
        self.flights.len()
    }

    /// Waits until everything that was begun is written down.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
        self.keep_spent().await;
    }
}
