//! Splits and dividends in effect, multiplied up once: a row of history asks for its factors in no time.

use crate::stocks::{Action, Stock};
use jiff::civil::Date;

/// Factors for what was traded before an ex-date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Factors {
    /// Shares of now for one of then.
    pub split: f64,
    /// What a price is multiplied by for dividends.
    pub dividend: f64,
}

const NONE: Factors = Factors { split: 1.0, dividend: 1.0 };

#[derive(Debug)]
pub(crate) struct Adjustments {
    /// By ex-date, oldest first: the factors of all actions from there on.
    since: Vec<(Date, Factors)>,
    actions: Vec<(Date, Action)>,
}

impl Adjustments {
    /// Of all actions that are in effect at the end of `until`.
    pub(crate) fn of(stock: &Stock, until: Date) -> Adjustments {
        let actions: Vec<(Date, Action)> = stock.actions.iter().filter(|(ex, _)| *ex <= until).copied().collect();
        let mut dates: Vec<Date> = actions.iter().map(|(ex, _)| *ex).collect();
        dates.dedup();
        let mut all = NONE;
        let mut since: Vec<(Date, Factors)> = Vec::with_capacity(dates.len());
        for ex in dates.into_iter().rev() {
            let before = ex.yesterday().unwrap_or(ex);
            all.split *= stock.split_factor(before, ex);
            all.dividend *= stock.dividend_factor(before, ex);
            since.push((ex, all));
        }
        since.reverse();
        Adjustments { since, actions }
    }

    /// For what was traded on `date`.
    pub(crate) fn after(&self, date: Date) -> Factors {
        let next = self.since.partition_point(|(ex, _)| *ex <= date);
        self.since.get(next).map_or(NONE, |(_, factors)| *factors)
    }

    /// The dividends paid and the split made from `first` to `last`.
    pub(crate) fn events(&self, first: Date, last: Date) -> (f64, f64) {
        let start = self.actions.partition_point(|(ex, _)| *ex < first);
        let within = self.actions.iter().skip(start).take_while(|(ex, _)| *ex <= last);
        within.fold((0.0, 1.0), |(dividends, split), (_, action)| match action {
            Action::Dividend(dollars) => (dividends + dollars, split),
            Action::Split { numerator, denominator } => {
                (dividends, split * f64::from(*numerator) / f64::from(*denominator))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stocks::Stocks;
    use jiff::civil::date;

    #[test]
    fn factors_are_those_of_the_stock() {
        let stock = Stocks::default().find("NVDA").expect("listed");
        let until = date(2024, 7, 1);
        let adjustments = Adjustments::of(&stock, until);
        for day in [date(2015, 3, 2), date(2021, 7, 19), date(2021, 7, 20), date(2024, 6, 7), date(2024, 6, 10)] {
            let factors = adjustments.after(day);
            assert_eq!(factors.split, stock.split_factor(day, until), "{day}");
            assert!((factors.dividend - stock.dividend_factor(day, until)).abs() < 1e-12, "{day}");
        }
        assert_eq!(adjustments.events(date(2024, 6, 10), date(2024, 6, 10)), (0.0, 10.0));
        assert_eq!(adjustments.events(date(2024, 6, 11), date(2024, 6, 30)), (0.0, 1.0));
        assert!(adjustments.events(date(2024, 5, 1), date(2024, 5, 31)).0 > 0.0);
    }
}
