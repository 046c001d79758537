//! Everything in a native answer that is not rows: it belongs to the series or the symbol, not to a run of bars.

use crate::time::{Ts, Window};
use std::collections::BTreeMap;

/// What a provider says beside its bars, kept as it wrote it (raw JSON).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Envelope {
    /// When it was asked for; nothing was seen yet at 0.
    pub seen_at: Ts,
    /// Facts by name, in the provider's order.
    pub facts: Vec<(String, String)>,
    /// What is dated, by kind and open time: events, sessions.
    pub notes: BTreeMap<String, BTreeMap<Ts, String>>,
    /// The newest action of each kind, by its own date: a split, a dividend.
    pub acted: BTreeMap<String, Ts>,
}

impl Envelope {
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.notes.is_empty()
    }

    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Notes of a kind that lie in a window.
    pub fn notes_in(&self, kind: &str, window: Window) -> impl DoubleEndedIterator<Item = (Ts, &str)> {
        let notes = (!window.is_empty()).then(|| self.notes.get(kind)).flatten();
        notes
            .into_iter()
            .flat_map(move |notes| notes.range(window.from..window.to))
            .map(|(at, note)| (*at, note.as_str()))
    }

    /// What is dated in a window, and the actions; the facts are the symbol's.
    pub fn within(&self, window: Window) -> Envelope {
        let dated = |kind: &String| {
            let notes: BTreeMap<Ts, String> =
                self.notes_in(kind, window).map(|(at, note)| (at, note.to_owned())).collect();
            (!notes.is_empty()).then(|| (kind.clone(), notes))
        };
        Envelope {
            seen_at: self.seen_at,
            facts: Vec::new(),
            notes: self.notes.keys().filter_map(dated).collect(),
            acted: self.acted.clone(),
        }
    }

    /// The newest action of any of these kinds.
    pub fn acted(&self, kinds: &[&str]) -> Option<Ts> {
        kinds.iter().filter_map(|kind| self.acted.get(*kind)).max().copied()
    }

    /// Takes over what another answer says of the symbol: a fact of the later one stands.
    pub fn learn(&mut self, other: &Envelope) {
        for (kind, at) in &other.acted {
            let own = self.acted.entry(kind.clone()).or_insert(*at);
            *own = (*own).max(*at);
        }
        let newer = other.seen_at >= self.seen_at;
        for (name, value) in &other.facts {
            match self.facts.iter_mut().find(|(n, _)| n == name) {
                Some((_, own)) if newer => own.clone_from(value),
                Some(_) => {}
                None => self.facts.push((name.clone(), value.clone())),
            }
        }
        self.seen_at = self.seen_at.max(other.seen_at);
    }

    /// The same, and its notes for the window of which it speaks: a kind of which a later answer says nothing there has
    /// nothing there.
    pub fn overlay(&mut self, other: &Envelope, window: Window) {
        let newer = other.seen_at >= self.seen_at;
        self.learn(other);
        if newer {
            self.notes.values_mut().for_each(|notes| notes.retain(|at, _| !window.contains(*at)));
        }
        for (kind, notes) in &other.notes {
            let own = self.notes.entry(kind.clone()).or_default();
            for (at, note) in notes {
                if newer || !own.contains_key(at) {
                    own.insert(*at, note.clone());
                }
            }
        }
        self.notes.retain(|_, notes| !notes.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(seen_at: Ts, price: &str, dividends: &[(Ts, &str)]) -> Envelope {
        let notes = dividends.iter().map(|(at, note)| (*at, (*note).to_owned())).collect();
        Envelope {
            seen_at,
            facts: vec![("price".into(), price.into())],
            notes: BTreeMap::from([("dividends".to_owned(), notes)]),
            acted: BTreeMap::new(),
        }
    }

    #[test]
    fn the_newest_sight_stands_and_notes_are_replaced_where_it_speaks() {
        let mut held = envelope(1, "10", &[(5, "a"), (20, "b")]);
        held.overlay(&envelope(2, "11", &[(25, "c")]), Window::new(10, 30));
        assert_eq!(held, envelope(2, "11", &[(5, "a"), (25, "c")]));
        held.overlay(&envelope(1, "9", &[(20, "b"), (25, "old")]), Window::new(10, 30));
        assert_eq!(held, envelope(2, "11", &[(5, "a"), (20, "b"), (25, "c")]));
        assert_eq!(held.notes_in("dividends", Window::new(6, 25)).collect::<Vec<_>>(), [(20, "b")]);
        assert_eq!(held.notes_in("dividends", Window::new(6, 5)).count(), 0);
        let late = held.within(Window::new(21, 30));
        assert_eq!(late, Envelope { facts: Vec::new(), ..envelope(2, "", &[(25, "c")]) });
        assert!(held.within(Window::new(6, 20)).notes.is_empty());
    }

    #[test]
    fn facts_are_learnt_by_name_and_actions_only_get_newer() {
        let mut held = Envelope { seen_at: 5, ..envelope(5, "10", &[]) };
        held.learn(&Envelope {
            seen_at: 3,
            facts: vec![("price".into(), "9".into()), ("scale".into(), "3".into())],
            ..Envelope::default()
        });
        assert_eq!((held.fact("price"), held.fact("scale")), (Some("10"), Some("3")));
        for at in [7, 4] {
            held.learn(&Envelope { acted: BTreeMap::from([("splits".to_owned(), at)]), ..Envelope::default() });
        }
        assert_eq!((held.acted(&["splits", "dividends"]), held.acted(&["dividends"])), (Some(7), None));
    }
}
