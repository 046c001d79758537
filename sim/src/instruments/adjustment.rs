//! Splits and dividends, summed up once for all rows of an answer.

use crate::stocks::{Action, Stock};
use jiff::civil::Date;

/// By ex-date: what applies to every day before it.
#[derive(Debug, Default)]
pub(crate) struct Adjustment(Vec<Step>);

#[derive(Debug, Clone, Copy)]
struct Step {
    ex: Date,
    splits: f64,
    dividends: f64,
}

impl Adjustment {
    /// Of the actions that have taken effect by the end of `until`.
    pub(crate) fn new(stock: &Stock, until: Date) -> Adjustment {
        let (mut splits, mut dividends) = (1.0, 1.0);
        let mut steps = Vec::new();
        for (ex, action) in stock.actions.iter().rev().filter(|(ex, _)| *ex <= until) {
            match action {
                Action::Split { numerator, denominator } => splits *= f64::from(*numerator) / f64::from(*denominator),
                Action::Dividend(amount) => {
                    let before = stock.market.before(*ex).map(|session| stock.day(&session, i64::MAX / 2));
                    let close = before.map_or(f64::INFINITY, |day| day.close as f64 / 10_000.0);
                    dividends *= (1.0 - amount / close).max(0.01);
                }
            }
            steps.push(Step { ex: *ex, splits, dividends });
        }
        steps.reverse();
        Adjustment(steps)
    }

    /// Today's shares for one of `date`.
    pub(crate) fn splits(&self, date: Date) -> f64 {
        self.after(date).map_or(1.0, |step| step.splits)
    }

    /// By what a price of `date` is multiplied for the dividends paid since.
    pub(crate) fn dividends(&self, date: Date) -> f64 {
        self.after(date).map_or(1.0, |step| step.dividends)
    }

    fn after(&self, date: Date) -> Option<&Step> {
        self.0.get(self.0.partition_point(|step| step.ex <= date))
    }
}
