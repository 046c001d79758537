//! The conductor: from an ask to rows.

pub mod assemble;
pub mod commit;
pub mod degrade;
pub mod explain;
pub mod flight;
pub mod invalidate;
pub mod lease;
pub mod serve;

use crate::config::{self, Config};
use crate::fetch::Fetcher;
use crate::observe::events::Events;
use crate::store::tiers::Tiers;
use finex_core::ask::Ask;
use finex_core::plan::Limits;
use finex_core::series::Series;
use finex_core::time::Clock;
use flight::Flights;
use lease::Leases;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// What a client wants, in finex' own terms.
#[derive(Debug, Clone)]
pub struct Request {
    pub series: Arc<Series>,
    pub ask: Ask,
}

pub struct Gateway {
    pub tiers: Tiers,
    pub clock: Clock,
    fetchers: HashMap<String, Arc<Fetcher>>,
    limits: HashMap<String, Limits>,
    flights: Flights,
    leases: Arc<dyn Leases>,
    cache: config::Cache,
    patience: Duration,
    events: Events,
    /// Work that outlives the request that began it.
    tasks: TaskTracker,
    /// For that work to hold on to.
    me: Weak<Gateway>,
}

impl Gateway {
    pub fn new(
        tiers: Tiers,
        fetchers: HashMap<String, Arc<Fetcher>>,
        config: &Config,
        clock: Clock,
        events: Events,
        leases: Arc<dyn Leases>,
    ) -> Arc<Gateway> {
        let bytes = if config.plan.widen { config.plan.max_call_bytes.0 } else { 0 };
        let planning = |fetcher: &Fetcher| fetcher.provider.manifest().planning(bytes, config.plan.max_calls);
        let limits = fetchers.iter().map(|(id, fetcher)| (id.clone(), planning(fetcher))).collect();
        Arc::new_cyclic(|me| Gateway {
            tiers,
            clock,
            fetchers,
            limits,
            flights: Flights::default(),
            leases,
            cache: config.cache.clone(),
            patience: config.server.request_timeout.0,
            events,
            tasks: TaskTracker::new(),
            me: me.clone(),
        })
    }

    pub fn fetcher(&self, provider: &str) -> Option<&Arc<Fetcher>> {
        self.fetchers.get(provider)
    }

    pub fn fetchers(&self) -> impl Iterator<Item = &Arc<Fetcher>> {
        self.fetchers.values()
    }

    pub fn limits(&self, provider: &str) -> Option<&Limits> {
        self.limits.get(provider)
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
    }
}
