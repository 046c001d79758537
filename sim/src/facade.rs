//! What the providers beside Binance and Yahoo have in common: they are mounted under their id, ask for a key and count
//! calls if a test wants them to, and answer from the same stocks.

use crate::stocks::Stocks;
use finex_core::time::Ts;
use http::HeaderMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request, its path without the mount.
pub(crate) struct Request<'a> {
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub now: Ts,
    /// Where the facade stands, for links: `http://127.0.0.1:7001/polygon`.
    pub base: &'a str,
    pub account: &'a Account,
    pub stocks: &'a Stocks,
}

impl Request<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer before faults.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Reply {
        Reply { status, content_type, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
}

pub(crate) trait Facade: Send + Sync {
    /// Does the path ask for bars? Such requests are counted, and suffer faults.
    fn is_series(&self, path: &str, query: &str) -> bool;

    fn answer(&self, request: &Request<'_>) -> Reply;
}

/// What one provider knows of its customer.
#[derive(Debug, Default)]
pub struct Account(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    key: Option<String>,
    quota: Option<u64>,
    minute: i64,
    used: u64,
}

/// What a call found of its allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    pub used: u64,
    pub quota: u64,
    /// Is this call one too many?
    pub over: bool,
}

impl Account {
    /// From now on only this key is let in; without one, any is, and so is none.
    pub fn require_key(&self, key: &str) {
        self.lock().key = Some(key.to_owned());
    }

    /// Calls (or credits) per calendar minute; without limit until set.
    pub fn set_quota(&self, per_minute: u64) {
        self.lock().quota = Some(per_minute);
    }

    /// Is a client with this key let in?
    pub(crate) fn admits(&self, key: Option<&str>) -> bool {
        let ledger = self.lock();
        ledger.key.is_none() || ledger.key.as_deref() == key
    }

    pub(crate) fn spend(&self, cost: u64, now: Ts) -> Spent {
        let mut ledger = self.lock();
        let minute = now.div_euclid(60_000);
        if ledger.minute != minute {
            (ledger.minute, ledger.used) = (minute, 0);
        }
        ledger.used += cost;
        let quota = ledger.quota.unwrap_or(u64::MAX);
        Spent { used: ledger.used, quota, over: ledger.used > quota }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
