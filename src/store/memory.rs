//! The first tier: encoded rows in memory, bounded by bytes.

use super::fragment::{Fragment, FragmentId, id_of};
use super::{BoxFuture, Entry, Store, StoreError};
use crate::observe::metrics::Metrics;
use finex_core::series::FragmentKey;
use finex_core::status::CacheLevel;
use finex_core::time::{Clock, Ts};
use moka::notification::RemovalCause;
use moka::sync::Cache;
use std::sync::Arc;

#[derive(Clone)]
pub struct Memory {
    cache: Cache<FragmentId, Entry>,
    clock: Clock,
}

impl Memory {
    pub fn new(max_bytes: u64, clock: Clock, metrics: &Arc<Metrics>) -> Memory {
        let evictions = metrics.evictions.clone();
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Entry| u32::try_from(entry.fragment.weigh()).unwrap_or(u32::MAX))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evictions.inc();
                }
            })
            .build();
        Memory { cache, clock }
    }

    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub fn now(&self) -> Ts {
        (self.clock)()
    }

    /// The fragment, without a detour over futures.
    pub fn peek(&self, id: FragmentId) -> Option<Arc<Fragment>> {
        let entry = self.cache.get(&id)?;
        let alive = entry.expires.is_none_or(|expires| (self.clock)() < expires);
        alive.then_some(entry.fragment)
    }

    pub fn insert(&self, fragment: Arc<Fragment>) {
        self.cache.insert(fragment.id, Entry::lasting(fragment, Arc::default()));
    }

    /// Weighs a fragment again after a form of it was worked out.
    pub fn reweigh(&self, fragment: &Arc<Fragment>) {
        if fragment.grew() && self.cache.contains_key(&fragment.id) {
            self.insert(fragment.clone());
        }
    }

    pub fn remove(&self, id: FragmentId) {
        self.cache.invalidate(&id);
    }

    /// Bytes that it may hold.
    pub fn budget(&self) -> u64 {
        self.cache.policy().max_capacity().unwrap_or(u64::MAX)
    }

    /// Bytes held and fragments held, once pending evictions are done.
    pub fn usage(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.weighted_size(), self.cache.entry_count())
    }
}

impl Store for Memory {
    fn level(&self) -> CacheLevel {
        CacheLevel::L1Memory
    }

    fn get<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        let entry = self.cache.get(&id_of(key));
        let alive = |entry: &Entry| entry.expires.is_none_or(|expires| (self.clock)() < expires);
        Box::pin(async move { Ok(entry.filter(alive)) })
    }

    fn put<'a>(&'a self, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        let id = entry.fragment.id;
        let newer = self.cache.get(&id).is_some_and(|held| held.generation > entry.generation);
        if !newer {
            self.cache.insert(id, entry);
        }
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<bool, StoreError>> {
        let held = self.cache.remove(&id_of(key)).is_some();
        Box::pin(async move { Ok(held) })
    }

    fn scan_prefix<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<FragmentKey>, StoreError>> {
        let held = self.cache.iter().map(|(_, entry)| entry.fragment.key.clone());
        let mut keys: Vec<(String, FragmentKey)> =
            held.map(|key| (key.to_string(), key)).filter(|(text, _)| text.starts_with(prefix)).collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Box::pin(async move { Ok(keys.into_iter().map(|(_, key)| key).collect()) })
    }
}
