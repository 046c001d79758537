//! What is about to be asked for is fetched in idle times: the next bar of what is followed, at its close; the window beside
//! a scan; and history that the provider will soon give no more, from an allowance that is about to expire.

use super::warm::ahead_of_time;
use super::{Gateway, Request};
use crate::config;
use crate::fetch::turns::Haste;
use crate::render::Served;
use crate::store::cell::Cell;
use finex_core::series::{Scope, Series};
use finex_core::terms::Terms;
use finex_core::time::{Ts, Window};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// How long after its close a bar is fetched: providers need a moment. Where it is settled soon, then: it comes for good.
const AFTER_CLOSE: i64 = SECOND;
const SOON: i64 = 10 * SECOND;
/// So many bars before it are looked after together with it.
const BEFORE: i64 = 200;
/// How often it is looked what is due.
const LOOK: Duration = Duration::from_millis(250);
/// What is not asked for within this was fetched for nobody, and so it is where more than this many wait.
const WASTED_AFTER: i64 = DAY;
const MOST_AHEAD: usize = 10_000;
/// How often it is looked for history that falls out of reach, how much of it, and of series asked for within this.
const HARVEST_EVERY: i64 = HOUR;
const HARVEST_OF: i64 = 2 * DAY;
const HARVEST_FOR: i64 = 7 * DAY;
/// An allowance that resets within this expires.
const EXPIRES: i64 = 2 * HOUR;

/// Calls made ahead of time for a window.
struct Ahead {
    series: Arc<Series>,
    window: Window,
    at: Ts,
    calls: u64,
}

/// What hits and calls tell whoever looks ahead: a hit takes no lock.
enum News {
    /// The next bar of a series that is followed has to be fetched at an instant.
    Expected(Arc<Series>, Ts),
    Fetched(Ahead),
    /// A window was asked for of which something may have been fetched ahead.
    Asked(Arc<Series>, Window),
}

pub(super) struct Prefetch {
    settings: config::Prefetch,
    news: Sender<News>,
    lookout: Mutex<Lookout>,
}

/// What is known to whoever looks ahead.
struct Lookout {
    news: Receiver<News>,
    due: HashMap<Arc<Series>, Ts>,
    /// What was fetched and not asked for yet, the oldest first.
    ahead: VecDeque<Ahead>,
    harvested_at: Ts,
}

impl Prefetch {
    pub(super) fn new(settings: &config::Prefetch) -> Prefetch {
        let (sender, news) = channel();
        let lookout = Lookout { news, due: HashMap::new(), ahead: VecDeque::new(), harvested_at: Ts::MIN };
        Prefetch { settings: settings.clone(), news: sender, lookout: Mutex::new(lookout) }
    }

    /// Heard at the next look; nobody listens only at the end.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }
}

impl Gateway {
    /// Learns from an answer what may be asked for next.
    pub(super) fn foresee(&self, request: &Request, served: &Served) {
        let Prefetch { settings, .. } = &self.prefetch;
        let is_a_clients = request.who.haste != Haste::Nobody && request.series.scope == Scope::Shared;
        if !(settings.enabled || settings.harvest) || !is_a_clients {
            return;
        }
        let (cell, now) = (&served.cell, served.journey.now);
        cell.habit.note(now);
        let Some((first, last)) = served.range().filter(|_| settings.enabled) else { return };
        let window = Window::new(first, cell.grid.cover_end(last));
        if cell.habit.ahead.load(Relaxed) > 0 {
            self.prefetch.tell(News::Asked(cell.series.clone(), window));
        }
        let period = cell.grid.index(now);
        // Who wants the bar that grows needs a call in any case.
        if cell.grid.index(last) + 1 == period && cell.habit.follows(period) {
            self.prefetch.tell(News::Expected(cell.series.clone(), self.ready_at(cell, period)));
        }
        if let Some(next) = cell.habit.steps_on(window).filter(|next| next.to <= now) {
            self.fetch_ahead(cell, next, Terms::default());
        }
    }

    /// When the bar of a period can be fetched.
    fn ready_at(&self, cell: &Cell, period: i64) -> Ts {
        let settle = self.limits(&cell.series).map_or(0, |limits| limits.settle + SECOND / 2);
        let wait = if settle <= SOON { settle.max(AFTER_CLOSE) } else { AFTER_CLOSE };
        cell.grid.open(period + 1).saturating_add(wait)
    }

    /// Looks for what is due, as long as there is a gateway.
    pub fn watch_habits(&self) {
        if !self.prefetch.settings.enabled && !self.prefetch.settings.harvest {
            return;
        }
        let gateway = self.me.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(gateway) = gateway.upgrade() else { return };
                gateway.look_ahead();
            }
        });
    }

    /// Begins to fetch what is due by now.
    pub fn look_ahead(&self) {
        // One at a time: whoever comes back from here knows that everything due has been begun.
        let mut lookout = self.prefetch.lookout.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        self.hear(&mut lookout);
        self.fetch_what_is_due(&mut lookout, now);
        self.give_up_unused(&mut lookout, now);
        self.harvest(&mut lookout, now);
    }

    fn hear(&self, lookout: &mut Lookout) {
        while let Ok(news) = lookout.news.try_recv() {
            match news {
                News::Expected(series, at) => drop(lookout.due.insert(series, at)),
                News::Fetched(ahead) => lookout.ahead.push_back(ahead),
                News::Asked(series, window) => self.note_used(lookout, &series, window),
            }
        }
    }

    fn fetch_what_is_due(&self, lookout: &mut Lookout, now: Ts) {
        let mut due = Vec::new();
        lookout.due.retain(|series, at| {
            let is_due = *at <= now;
            if is_due {
                due.push(series.clone());
            }
            !is_due
        });
        for series in due {
            let Some(cell) = self.tiers.catalog.get(&series) else { continue };
            let len = series.interval.nominal_len();
            let closed = cell.grid.open(cell.grid.index(now) - 1);
            let exchange = cell.provider.exchange(&series, &cell.sight().envelope).filter(|_| len < DAY);
            if exchange.is_some_and(|exchange| exchange.trades(Window::new(closed, closed + len), 0) == Some(false)) {
                continue;
            }
            // What would expire before the next close is asked for again, in the same call.
            let ends = now.saturating_add(len.min(HOUR));
            let snapshot = cell.snapshot();
            let oldest = closed.saturating_sub(len.saturating_mul(BEFORE));
            let expiring = snapshot.ledger.loose().iter().filter(|loose| loose.expires <= ends);
            let from = expiring.map(|loose| loose.window.from.max(oldest)).min().unwrap_or(closed).min(closed);
            let terms = Terms { min_fresh: Some(ends - now), ..Terms::default() };
            self.fetch_ahead(&cell, Window::new(from, cell.grid.open(cell.grid.index(now))), terms);
            let period = cell.grid.index(now);
            if cell.habit.is_followed(period) {
                lookout.due.insert(series, self.ready_at(&cell, period));
            }
        }
    }

    /// Fetches a window behind everybody, if its provider is idle and has enough left.
    fn fetch_ahead(&self, cell: &Arc<Cell>, window: Window, terms: Terms) {
        let is_idle = self.fetcher(&cell.series.provider).is_some_and(|fetcher| fetcher.is_idle());
        let Some(gateway) = self.me.upgrade().filter(|_| is_idle) else { return };
        let request = Request { terms, ..ahead_of_time(self, &cell.series, window) };
        let cell = cell.clone();
        self.tasks.spawn(async move {
            let Ok(served) = gateway.serve(&request).await else { return };
            let calls = u64::from(served.journey.calls);
            if calls > 0 {
                gateway.note_made(&cell, window, calls, served.journey.now);
            }
        });
    }

    fn note_made(&self, cell: &Cell, window: Window, calls: u64, at: Ts) {
        let Some(fetcher) = self.fetcher(&cell.series.provider) else { return };
        fetcher.metrics.ahead_made.inc_by(calls);
        // In this order: who hears that it was asked for has to know of it.
        self.prefetch.tell(News::Fetched(Ahead { series: cell.series.clone(), window, at, calls }));
        cell.habit.ahead.fetch_add(1, Relaxed);
    }

    fn note_used(&self, lookout: &mut Lookout, series: &Arc<Series>, window: Window) {
        let Some(fetcher) = self.fetcher(&series.provider) else { return };
        lookout.ahead.retain(|ahead| {
            let is_used = ahead.series == *series && ahead.window.overlaps(window);
            if is_used {
                fetcher.metrics.ahead_used.inc_by(ahead.calls);
                self.settle_ahead(series);
            }
            !is_used
        });
    }

    fn give_up_unused(&self, lookout: &mut Lookout, now: Ts) {
        while let Some(oldest) = lookout.ahead.front() {
            if now.saturating_sub(oldest.at) < WASTED_AFTER && lookout.ahead.len() <= MOST_AHEAD {
                return;
            }
            let Some(oldest) = lookout.ahead.pop_front() else { return };
            if let Some(fetcher) = self.fetcher(&oldest.series.provider) {
                fetcher.metrics.ahead_wasted.inc_by(oldest.calls);
            }
            self.settle_ahead(&oldest.series);
        }
    }

    /// One less of a series is waiting to be asked for.
    fn settle_ahead(&self, series: &Arc<Series>) {
        if let Some(cell) = self.tiers.catalog.get(series) {
            let _ = cell.habit.ahead.fetch_update(Relaxed, Relaxed, |waiting| (waiting > 0).then(|| waiting - 1));
        }
    }

    /// What falls out of reach within two days is fetched, of series that somebody wants, while its allowance expires.
    fn harvest(&self, lookout: &mut Lookout, now: Ts) {
        if !self.prefetch.settings.harvest || now.saturating_sub(lookout.harvested_at) < HARVEST_EVERY {
            return;
        }
        lookout.harvested_at = now;
        for cell in self.tiers.catalog.all() {
            let is_wanted = now.saturating_sub(cell.habit.asked_at.load(Relaxed)) < HARVEST_FOR;
            let Some(reach) = cell.reach(now).filter(|_| is_wanted && cell.series.scope == Scope::Shared) else {
                continue;
            };
            let expires = self.fetcher(&cell.series.provider).is_some_and(|f| f.limiter.expires_within(EXPIRES));
            if expires {
                let from = reach.saturating_add(cell.series.interval.nominal_len());
                self.fetch_ahead(&cell, Window::new(from, reach.saturating_add(HARVEST_OF)), Terms::default());
            }
        }
    }
}
