//! Series that are asked for together are fetched together, where their provider takes several symbols in one request.
//!
//! Each is planned by itself, since each lacks something else. Their calls wait here for one another until all have been
//! planned; those that turn out alike but for the symbol go as one, and every flight lands with its own part.

use super::{Gateway, Request};
use crate::fetch::{Caller, FetchError, Fetcher, Landed};
use crate::render::Served;
use finex_core::plan::{Anchor, Call};
use finex_core::series::{Scope, Series};
use finex_core::time::Window;
use finex_providers::Failure;
use futures_util::future::join_all;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

type Outcome = Result<Landed, Failure>;

/// A request's place among those that are asked for together.
#[derive(Debug)]
pub struct Member {
    gathering: Arc<Gathering>,
    announced: AtomicBool,
    /// Calls of it that went with another's.
    shared: AtomicU32,
    /// How many are asked for together.
    members: u64,
}

impl Member {
    /// Do its calls wait for others? Once it has been planned what comes later goes by itself.
    pub(super) fn gathers(&self) -> bool {
        !self.announced.load(Ordering::SeqCst)
    }

    pub(super) fn of_how_many(&self) -> u64 {
        self.members.max(1)
    }

    /// It has been planned, and so many calls of it will come. Only the first word counts.
    pub(super) fn announce(&self, calls: usize) {
        if !self.announced.swap(true, Ordering::SeqCst) {
            self.gathering.announced(calls);
        }
    }
}

/// Says that no more calls of a member will come, whatever became of it.
struct Leaving(Arc<Member>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.announce(0);
    }
}

/// Calls waiting for one another.
#[derive(Debug)]
pub struct Gathering(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Members still to be planned, and calls that were announced and have not come; less than none where a call comes
    /// before its member has spoken.
    members: usize,
    calls: i64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    series: Arc<Series>,
    call: Call,
    departure: oneshot::Sender<Departure>,
}

/// What is said to a call when all are there: its outcome, or to be the one that asks for its group.
#[derive(Debug)]
enum Departure {
    Led(Vec<Waiting>),
    Landed { outcome: Box<Outcome>, shared: bool },
}

/// All of a call but its symbol.
type Alike = (finex_core::calendar::Interval, Arc<str>, finex_core::series::Variant, Scope, (Window, u64, Anchor));

fn alike(series: &Series, call: &Call) -> Alike {
    let (interval, currency, variant) = (series.interval, series.currency.clone(), series.variant.clone());
    (interval, currency, variant, series.scope.clone(), (call.window, call.limit, call.anchor))
}

impl Gathering {
    fn new(members: usize) -> Arc<Gathering> {
        Arc::new(Gathering(Mutex::new(State { members, calls: 0, waiting: Vec::new() })))
    }

    fn announced(&self, calls: usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.members = state.members.saturating_sub(1);
        state.calls += calls as i64;
        state.depart();
    }
}

impl Member {
    /// Waits for the others, and makes the call with those that are like it.
    pub(super) async fn call(&self, fetcher: &Fetcher, series: &Arc<Series>, call: &Call, caller: &Caller) -> Outcome {
        let (departure, departed) = oneshot::channel();
        {
            let mut state = self.gathering.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.calls -= 1;
            state.waiting.push(Waiting { series: series.clone(), call: *call, departure });
            state.depart();
        }
        match departed.await {
            Ok(Departure::Led(others)) => lead(fetcher, series, call, caller, others).await,
            Ok(Departure::Landed { outcome, shared }) => {
                self.shared.fetch_add(u32::from(shared), Ordering::SeqCst);
                *outcome
            }
            Err(_) => Err(FetchError::up("the call ended without an answer").0),
        }
    }
}

impl State {
    /// Sends the groups off, if nobody is missing.
    fn depart(&mut self) {
        if self.members > 0 || self.calls > 0 {
            return;
        }
        let mut groups: Vec<(Alike, Vec<Waiting>)> = Vec::new();
        for waiting in self.waiting.drain(..) {
            let like = alike(&waiting.series, &waiting.call);
            match groups.iter_mut().find(|(other, _)| *other == like) {
                Some((_, group)) => group.push(waiting),
                None => groups.push((like, vec![waiting])),
            }
        }
        for (_, mut group) in groups {
            let leader = group.remove(0);
            let _ = leader.departure.send(Departure::Led(group));
        }
    }
}

/// Asks for a group: in requests of as many symbols as the provider takes, or one by one where it takes only one.
async fn lead(fetcher: &Fetcher, series: &Series, call: &Call, caller: &Caller, others: Vec<Waiting>) -> Outcome {
    let most = fetcher.provider.manifest().batch.map_or(1, |batch| batch.symbols.max(1));
    let all: Vec<(&Series, &Call)> = std::iter::once((series, call))
        .chain(others.iter().map(|other| (other.series.as_ref(), &other.call)))
        .collect();
    let mut outcomes = Vec::with_capacity(all.len());
    for chunk in all.chunks(most) {
        let together = match chunk.len() {
            1 => None,
            _ => fetcher.call_together(chunk, caller).await,
        };
        // Where one symbol spoils the request for all, each is asked for by itself.
        let together = together.filter(|landed| !landed.iter().all(is_refused));
        match together {
            Some(landed) => {
                outcomes.extend(landed.into_iter().enumerate().map(|(at, outcome)| (outcome, at > 0)));
            }
            None => {
                let single = |(series, call): &(&Series, &Call)| {
                    let (series, call) = ((*series).clone(), **call);
                    async move { fetcher.call(&series, &call, finex_providers::Named::Ask, caller).await }
                };
                outcomes.extend(join_all(chunk.iter().map(single)).await.into_iter().map(|outcome| (outcome, false)));
            }
        }
    }
    let mut outcomes = outcomes.into_iter();
    let own = outcomes.next().map(|(outcome, _)| outcome);
    for (other, (outcome, shared)) in others.into_iter().zip(outcomes) {
        let _ = other.departure.send(Departure::Landed { outcome: Box::new(outcome), shared });
    }
    own.unwrap_or_else(|| Err(FetchError::up("the call ended without an answer").0))
}

/// Was the request refused for something that is wrong with it?
fn is_refused(outcome: &Outcome) -> bool {
    use finex_core::status::ErrorClass::{Bad, NotFound};
    outcome.as_ref().err().is_some_and(|failure| {
        let status = failure.native.as_ref().map_or(200, |(status, _)| *status);
        matches!(failure.class, Bad | NotFound) && status >= 400
    })
}

impl Gateway {
    /// Serves several asks at once; what they lack is fetched together where that can be.
    pub async fn serve_together(&self, requests: Vec<Request>) -> Vec<Result<Served, Failure>> {
        // What has to be compared with the provider's is compared before anybody waits for anybody.
        let compared = join_all(requests.iter().map(|request| self.verified(request))).await;
        let gathering = Gathering::new(requests.len());
        let members = requests.len() as u64;
        let serve = |(request, compared): (Request, u32)| {
            let (gathering, announced) = (gathering.clone(), AtomicBool::new(false));
            let member = Arc::new(Member { gathering, announced, shared: AtomicU32::new(0), members });
            async move {
                // Nothing was lacking, or it came to nothing; or the client left, whom nobody waits for.
                let _leaving = Leaving(member.clone());
                let mut outcome = self.serve(&Request { member: Some(member.clone()), ..request }).await;
                if let Ok(served) = &mut outcome {
                    served.journey.calls += compared;
                    let calls = &mut served.journey.calls;
                    *calls = calls.saturating_sub(member.shared.load(Ordering::SeqCst));
                }
                outcome
            }
        };
        join_all(requests.into_iter().zip(compared).map(serve)).await
    }
}
