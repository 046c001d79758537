//! Whether two providers tell the same of the same bars.

use crate::columns::Column;
use crate::time::Ts;
use std::collections::BTreeMap;

/// What is compared, in this order.
pub const COMPARED: [Column; 5] = [Column::Open, Column::High, Column::Low, Column::Close, Column::Volume];
/// Prices that differ by less are rounded in another way: a basis point, or half a cent.
const PRICE: f64 = 1e-4;
const HALF_A_CENT: f64 = 0.005_000_1;
/// Volumes are corrected for days, and not all count the same trades.
const VOLUME: f64 = 0.01;
/// Differences that are told one by one.
const TOLD: usize = 20;

/// A bar with the values of [`COMPARED`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    pub open_time: Ts,
    pub values: [Option<f64>; 5],
}

/// Bars by what is the same for both: their instant, or the number of their day.
pub type Bars = BTreeMap<i64, Bar>;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Open time of the first provider's bar.
    pub open_time: Ts,
    pub column: Column,
    pub values: [f64; 2],
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Bars that both have, and those of them whose prices agree.
    pub compared: usize,
    pub agreeing: usize,
    /// Bars that one has and the other has not.
    pub only_in: [usize; 2],
    /// Of the prices, as a share of the first.
    pub largest: f64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Of two providers' bars for one window.
    pub fn of(a: &Bars, b: &Bars) -> Comparison {
        let mut out = Comparison::default();
        for (key, bar) in a {
            match b.get(key) {
                Some(other) => out.judge(bar, other),
                None => out.only_in[0] += 1,
            }
        }
        out.only_in[1] = b.keys().filter(|key| !a.contains_key(key)).count();
        out
    }

    fn judge(&mut self, a: &Bar, b: &Bar) {
        let mut agrees = true;
        for (i, column) in COMPARED.into_iter().enumerate() {
            let (Some(x), Some(y)) = (a.values[i], b.values[i]) else { continue };
            let apart = if x == y { 0.0 } else { (x - y).abs() / x.abs().max(f64::MIN_POSITIVE) };
            let is_price = column != Column::Volume;
            let same = if is_price { apart <= PRICE || (x - y).abs() <= HALF_A_CENT } else { apart <= VOLUME };
            if is_price {
                self.largest = self.largest.max(apart);
                agrees &= same;
            }
            if !same && self.differences.len() < TOLD {
                self.differences.push(Difference { open_time: a.open_time, column, values: [x, y] });
            }
        }
        self.compared += 1;
        self.agreeing += usize::from(agrees);
    }

    /// Share of common bars that agree; none if there are none.
    pub fn agreement(&self) -> Option<f64> {
        (self.compared > 0).then(|| self.agreeing as f64 / self.compared as f64)
    }

    /// Share of all bars that each of them has; none if there are none.
    pub fn completeness(&self) -> Option<[f64; 2]> {
        let all = self.compared + self.only_in[0] + self.only_in[1];
        (all > 0).then(|| self.only_in.map(|only| (self.compared + only) as f64 / all as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(closes: &[(i64, f64, f64)]) -> Bars {
        let bar = |&(day, close, volume): &(i64, f64, f64)| {
            let values = [Some(close), Some(close), Some(close), Some(close), Some(volume)];
            (day, Bar { open_time: day * 86_400_000, values })
        };
        closes.iter().map(bar).collect()
    }

    #[test]
    fn roundings_agree_and_splits_do_not() {
        let a = bars(&[(1, 100.0, 1_000.0), (2, 101.0, 1_000.0), (3, 408.0, 900.0), (5, 1.0, 1.0)]);
        let b = bars(&[(1, 100.005, 1_005.0), (2, 101.009, 1_200.0), (3, 102.0, 3_600.0), (4, 1.0, 1.0)]);
        let told = Comparison::of(&a, &b);
        assert_eq!((told.compared, told.agreeing, told.only_in, told.largest), (3, 2, [1, 1], 0.75));
        let columns: Vec<(i64, &str)> =
            told.differences.iter().map(|d| (d.open_time / 86_400_000, d.column.name())).collect();
        assert_eq!(columns, [(2, "volume"), (3, "open"), (3, "high"), (3, "low"), (3, "close"), (3, "volume")]);
        assert_eq!(told.completeness(), Some([0.8, 0.8]));
        assert_eq!(Comparison::of(&Bars::new(), &Bars::new()).agreement(), None);
    }
}
