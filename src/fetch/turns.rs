//! Whose turn it is, where there is not enough of an allowance for all.

use crate::secure::Principal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Does somebody wait for it?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    #[default]
    Client,
    /// Nobody: it is done ahead of time, or behind an answer.
    Nobody,
}

/// Who wants something of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    pub principal: Principal,
    pub haste: Haste,
}

/// Those who wait for one provider. What a client waits for comes first; between principals, whoever has had least.
#[derive(Default)]
pub struct Turns(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    waiting: Vec<Ticket>,
    /// What principals have had since somebody began to wait.
    had: HashMap<Principal, u64>,
}

struct Ticket {
    id: u64,
    who: Who,
    called: Arc<Notify>,
}

/// A place among those who wait; given up when it is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    id: u64,
    who: Who,
    called: Arc<Notify>,
}

impl State {
    fn had(&self, principal: &Principal) -> u64 {
        self.had.get(principal).copied().unwrap_or(0)
    }

    fn first(&self) -> Option<&Ticket> {
        self.waiting.iter().min_by_key(|ticket| (ticket.who.haste, self.had(&ticket.who.principal), ticket.id))
    }

    fn call_first(&self) {
        if let Some(first) = self.first() {
            first.called.notify_one();
        }
    }
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    pub fn join(&self, who: &Who) -> Turn<'_> {
        let called = Arc::new(Notify::new());
        let mut state = self.lock();
        // Who comes anew has had as much as whoever has had least: nobody saves up turns.
        let least = state.waiting.iter().map(|ticket| state.had(&ticket.who.principal)).min().unwrap_or(0);
        let had = state.had.entry(who.principal.clone()).or_insert(least);
        *had = (*had).max(least);
        let id = state.next;
        state.next += 1;
        state.waiting.push(Ticket { id, who: who.clone(), called: called.clone() });
        Turn { turns: self, id, who: who.clone(), called }
    }
}

impl Turn<'_> {
    /// Waits until it is this one's turn. It may be taken away again by who has more right to it.
    pub async fn comes(&self) {
        loop {
            if self.turns.lock().first().is_some_and(|first| first.id == self.id) {
                return;
            }
            self.called.notified().await;
        }
    }

    /// Ends the waiting with what was had.
    pub fn take(self, cost: u32) {
        let mut state = self.turns.lock();
        *state.had.entry(self.who.principal.clone()).or_default() += u64::from(cost.max(1));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.waiting.retain(|ticket| ticket.id != self.id);
        if state.waiting.is_empty() {
            state.had.clear();
        }
        state.call_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str, haste: Haste) -> Who {
        Who { principal: Principal(name.into()), haste }
    }

    /// Names in the order in which they get their turns.
    fn order(turns: &Turns, mut waiting: Vec<(&'static str, Turn<'_>)>) -> String {
        let mut out = String::new();
        while !waiting.is_empty() {
            let first = turns.lock().first().map(|ticket| ticket.id).expect("somebody");
            let at = waiting.iter().position(|(_, turn)| turn.id == first).expect("one of them");
            let (name, turn) = waiting.remove(at);
            out.push_str(name);
            turn.take(1);
        }
        out
    }

    #[test]
    fn turns_go_round_between_principals_and_what_nobody_waits_for_comes_last() {
        let turns = Turns::default();
        let mut waiting = vec![("w", turns.join(&who("a", Haste::Nobody)))];
        waiting.extend((0..4).map(|_| ("a", turns.join(&who("a", Haste::Client)))));
        waiting.extend((0..2).map(|_| ("b", turns.join(&who("b", Haste::Client)))));
        assert_eq!(order(&turns, waiting), "ababaaw");
        assert!(turns.is_empty());
    }

    #[test]
    fn nobody_saves_up_turns_and_who_leaves_makes_way() {
        let turns = Turns::default();
        let mut waiting: Vec<_> = (0..4).map(|_| ("a", turns.join(&who("a", Haste::Client)))).collect();
        waiting.remove(0).1.take(1);
        waiting.remove(0).1.take(1);
        waiting.extend((0..2).map(|_| ("b", turns.join(&who("b", Haste::Client)))));
        assert_eq!(order(&turns, waiting), "abab");
        let first = turns.join(&who("a", Haste::Client));
        let second = turns.join(&who("a", Haste::Client));
        drop(first);
        assert_eq!(turns.lock().first().map(|ticket| ticket.id), Some(second.id));
    }
}
