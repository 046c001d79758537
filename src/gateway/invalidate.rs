//! Giving up what is held, by pattern and range.

use super::Gateway;
use crate::store::cell::Cell;
use crate::store::snapshot::Piece;
use finex_core::event::Event;
use finex_core::series::{FragmentKey, Version};
use finex_core::time::Window;
use std::sync::Arc;

/// Which fragments: a key with `*` for anything, and the bars that open in a window.
#[derive(Debug, Clone)]
pub struct Invalidation {
    pub pattern: String,
    pub window: Window,
    pub dry_run: bool,
    pub reason: String,
}

/// What was given up, or would have been.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Invalidated {
    pub invalidation_id: String,
    pub affected_keys_count: usize,
    pub affected_bytes: u64,
    /// Some of the keys.
    pub sample: Vec<String>,
    pub nodes: u32,
    pub dry_run: bool,
}

const SAMPLE: usize = 20;

impl Gateway {
    pub async fn invalidate(&self, wanted: &Invalidation) -> Invalidated {
        let mut done = Invalidated {
            invalidation_id: format!("inv_{:016x}", fastrand::u64(..)),
            nodes: 1,
            dry_run: wanted.dry_run,
            ..Invalidated::default()
        };
        if !wanted.dry_run {
            // What there is none of has no key that a pattern could name.
            self.unknown.forget_all();
        }
        for cell in self.tiers.catalog.all() {
            let pieces = affected(&cell, wanted);
            for piece in &pieces {
                done.affected_keys_count += 1;
                done.affected_bytes += self.tiers.peek(piece).map_or(0, |fragment| fragment.weight() as u64);
                if done.sample.len() < SAMPLE {
                    done.sample.push(piece.key.to_string());
                }
            }
            let series_meant = matches(&wanted.pattern, &series_key(&cell).to_string());
            if wanted.dry_run || (pieces.is_empty() && !series_meant) {
                continue;
            }
            self.give_up(&cell, &pieces, wanted, series_meant).await;
        }
        done
    }

    async fn give_up(&self, cell: &Arc<Cell>, pieces: &[Piece], wanted: &Invalidation, series_meant: bool) {
        cell.update(|snapshot| {
            snapshot.epoch += 1;
            snapshot.live = None;
            for piece in pieces {
                snapshot.drop_piece(piece.id, cell.grid);
            }
            // What is known without a fragment (empty, before listing) goes too where the series itself is meant.
            if series_meant {
                snapshot.ledger.forget(wanted.window);
            }
            let gone = |run: &Arc<crate::store::fragment::Fragment>| !run.times.rows_in(wanted.window).is_empty();
            let loose: Vec<Window> = snapshot
                .loose
                .iter()
                .filter(|bar| gone(bar))
                .map(|run| cell.grid.periods(run.key.first, run.key.last))
                .collect();
            loose.into_iter().for_each(|window| snapshot.ledger.forget(window));
            snapshot.loose.retain(|bar| !gone(bar));
            snapshot.suspect = snapshot.suspect.iter().copied().filter(|open| !wanted.window.contains(*open)).collect();
        });
        self.tiers.delete(cell, pieces).await;
        self.events.tell(Event::Invalidated {
            series: cell.series.as_ref().clone(),
            window: wanted.window,
            fragments: pieces.len(),
            reason: wanted.reason.clone(),
        });
        self.forget_if_empty(&cell.series);
    }
}

fn affected(cell: &Cell, wanted: &Invalidation) -> Vec<Piece> {
    let overlaps = |piece: &&Piece| {
        Window::new(piece.key.first, cell.grid.cover_end(piece.key.last)).overlaps(wanted.window)
            && matches(&wanted.pattern, &piece.key.to_string())
    };
    cell.snapshot().all_pieces().filter(overlaps).cloned().collect()
}

/// A key that stands for the series where it has no fragment.
fn series_key(cell: &Cell) -> FragmentKey {
    let version = Version { layout: Version::LAYOUT, basis: cell.snapshot().basis };
    let columns = cell.provider.manifest().columns;
    FragmentKey { series: cell.series.as_ref().clone(), first: 0, last: 0, columns, version }
}

/// `*` stands for anything; every other character for itself. Takes time in proportion to both texts' product at most.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            p = after + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        assert!(matches("finex:BTCUSDT:1h:*", "finex:BTCUSDT:1h:0:1:binance:usdt:ohlcv_v1.0"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "a--b--b--c"));
        assert!(!matches("finex:BTC*:1d:*", "finex:BTCUSDT:1h:0"));
        assert!(!matches("a?c", "abc"));
        assert!(!matches("finex:%2A:*", "finex:BTCUSDT:1h:0"));
        let slow = "a*".repeat(500) + "b";
        assert!(!matches(&slow, &"a".repeat(5_000)));
    }
}
