//! Instants and half-open windows of open times.

use std::sync::Arc;

/// UTC milliseconds since 1970.
pub type Ts = i64;

/// Earlier than any bar.
pub const BEGINNING: Ts = i64::MIN / 4;
/// Later than any bar.
pub const END: Ts = i64::MAX / 4;

/// A source of now, handed in as a value so that a gateway and a simulator can share one.
pub type Clock = Arc<dyn Fn() -> Ts + Send + Sync>;

/// A half-open window `[from, to)` of open times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Window {
    pub from: Ts,
    pub to: Ts,
}

impl Window {
    pub const ALL: Window = Window { from: BEGINNING, to: END };

    pub fn new(from: Ts, to: Ts) -> Self {
        Window { from, to }
    }

    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    pub fn contains(&self, ts: Ts) -> bool {
        self.from <= ts && ts < self.to
    }

    pub fn covers(&self, other: Window) -> bool {
        other.is_empty() || (self.from <= other.from && other.to <= self.to)
    }

    pub fn intersect(&self, other: Window) -> Window {
        Window { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// From the earlier beginning to the later end.
    pub fn hull(&self, other: Window) -> Window {
        Window { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    pub fn overlaps(&self, other: Window) -> bool {
        !self.intersect(other).is_empty()
    }
}

/// Disjoint windows in ascending order; windows that touch are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowSet(Vec<Window>);

impl WindowSet {
    pub fn iter(&self) -> impl Iterator<Item = Window> + '_ {
        self.0.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn insert(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        let start = self.0.partition_point(|w| w.to < window.from);
        let end = self.0.partition_point(|w| w.from <= window.to);
        let merged =
            self.0[start..end].iter().fold(window, |acc, w| Window::new(acc.from.min(w.from), acc.to.max(w.to)));
        self.0.splice(start..end, [merged]);
    }

    pub fn remove(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        let kept = self
            .0
            .iter()
            .flat_map(|w| [Window::new(w.from, w.to.min(window.from)), Window::new(w.from.max(window.to), w.to)]);
        self.0 = kept.filter(|w| !w.is_empty()).collect();
    }

    pub fn intersect(&self, other: &WindowSet) -> WindowSet {
        let mut out = WindowSet::default();
        for a in &self.0 {
            for b in &other.0 {
                out.insert(a.intersect(*b));
            }
        }
        out
    }

    /// The member that contains `ts`.
    pub fn at(&self, ts: Ts) -> Option<Window> {
        let i = self.0.partition_point(|w| w.to <= ts);
        self.0.get(i).copied().filter(|w| w.contains(ts))
    }

    /// What of `window` is in no member.
    pub fn gaps(&self, window: Window) -> Vec<Window> {
        let mut left = WindowSet::from_iter([window]);
        for w in self.0.iter().filter(|w| w.overlaps(window)) {
            left.remove(*w);
        }
        left.0
    }
}

impl FromIterator<Window> for WindowSet {
    fn from_iter<I: IntoIterator<Item = Window>>(windows: I) -> Self {
        let mut set = WindowSet::default();
        windows.into_iter().for_each(|w| set.insert(w));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_windows_are_one() {
        let set = WindowSet::from_iter([Window::new(0, 5), Window::new(10, 15), Window::new(5, 10)]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Window::new(0, 15)]);
    }

    #[test]
    fn removal_splits() {
        let mut set = WindowSet::from_iter([Window::new(0, 10)]);
        set.remove(Window::new(3, 6));
        assert_eq!(set.gaps(Window::new(0, 10)), [Window::new(3, 6)]);
        assert_eq!(set.at(2), Some(Window::new(0, 3)));
        assert_eq!(set.at(4), None);
    }
}
