//! The series there are, and what was observed: a pure function of series and date.

use crate::holidays;
use crate::instruments::utc_midnight;
use crate::prices::hash;
use jiff::Span;
use jiff::civil::{Date, Weekday, date};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    /// On business days; without a value on holidays.
    Daily,
    Monthly,
    Quarterly,
    Annual,
}

#[derive(Debug)]
pub(super) struct Series {
    pub id: &'static str,
    pub title: &'static str,
    pub frequency: Frequency,
    pub units: [&'static str; 2],
    pub adjusted: [&'static str; 2],
    pub since: Date,
    pub popularity: u32,
    /// Value around which it moves, by how much of it, by how much it grows in a year, and its decimals.
    level: f64,
    swing: f64,
    growth: f64,
    decimals: usize,
}

const NOT_ADJUSTED: [&str; 2] = ["Not Seasonally Adjusted", "NSA"];
const ADJUSTED: [&str; 2] = ["Seasonally Adjusted", "SA"];

static ALL: [Series; 5] = [
    Series {
        id: "DGS10",
        title: "Market Yield on U.S. Treasury Securities at 10-Year Constant Maturity, Quoted on an Investment Basis",
        frequency: Frequency::Daily,
        units: ["Percent", "%"],
        adjusted: NOT_ADJUSTED,
        since: date(1962, 1, 2),
        popularity: 92,
        level: 4.2,
        swing: 0.3,
        growth: 0.0,
        decimals: 2,
    },
    Series {
        id: "SP500",
        title: "S&P 500",
        frequency: Frequency::Daily,
        units: ["Index", "Index"],
        adjusted: NOT_ADJUSTED,
        since: date(2016, 11, 28),
        popularity: 83,
        level: 5_100.0,
        swing: 0.05,
        growth: 0.08,
        decimals: 2,
    },
    Series {
        id: "UNRATE",
        title: "Unemployment Rate",
        frequency: Frequency::Monthly,
        units: ["Percent", "%"],
        adjusted: ADJUSTED,
        since: date(1948, 1, 1),
        popularity: 94,
        level: 5.2,
        swing: 0.3,
        growth: 0.0,
        decimals: 1,
    },
    Series {
        id: "GDP",
        title: "Gross Domestic Product",
        frequency: Frequency::Quarterly,
        units: ["Billions of Dollars", "Bil. of $"],
        adjusted: ["Seasonally Adjusted Annual Rate", "SAAR"],
        since: date(1947, 1, 1),
        popularity: 93,
        level: 28_000.0,
        swing: 0.01,
        growth: 0.06,
        decimals: 3,
    },
    Series {
        id: "GNPCA",
        title: "Real Gross National Product",
        frequency: Frequency::Annual,
        units: ["Billions of Chained 2017 Dollars", "Bil. of Chn. 2017 $"],
        adjusted: NOT_ADJUSTED,
        since: date(1929, 1, 1),
        popularity: 12,
        level: 23_000.0,
        swing: 0.01,
        growth: 0.03,
        decimals: 3,
    },
];

impl Series {
    pub(super) fn find(id: &str) -> Option<&'static Series> {
        ALL.iter().find(|series| series.id.eq_ignore_ascii_case(id))
    }

    /// By words, all of which occur.
    pub(super) fn search(text: &str) -> Vec<&'static Series> {
        let text = text.to_lowercase();
        let has = |series: &Series| {
            let known = format!("{} {}", series.id, series.title).to_lowercase();
            text.split_whitespace().all(|word| known.contains(word))
        };
        ALL.iter().filter(|series| has(series)).collect()
    }

    /// Dates with their values, oldest first, as far as they are published today.
    pub(super) fn observations(&self, from: Date, to: Date, today: Date) -> Vec<(Date, Option<f64>)> {
        let step = match self.frequency {
            Frequency::Daily => Span::new().days(1),
            Frequency::Monthly => Span::new().months(1),
            Frequency::Quarterly => Span::new().months(3),
            Frequency::Annual => Span::new().years(1),
        };
        let last = to.min(self.last(today));
        let dates = self.since.series(step).skip_while(|date| *date < from).take_while(|date| *date <= last);
        dates.filter(|date| self.has(*date)).map(|date| (date, self.value(date))).collect()
    }

    /// Days are published the day after; months, quarters and years a while after their end.
    pub(super) fn last(&self, today: Date) -> Date {
        let lag = match self.frequency {
            Frequency::Daily => Span::new().days(1),
            Frequency::Monthly => Span::new().months(1).days(6),
            Frequency::Quarterly => Span::new().months(3).days(28),
            Frequency::Annual => Span::new().months(12).days(88),
        };
        let known = today.checked_sub(lag).unwrap_or(today);
        let month = match self.frequency {
            Frequency::Daily => {
                let back = known.series(Span::new().days(-1)).take(7).find(|date| self.has(*date));
                return back.unwrap_or(known);
            }
            Frequency::Monthly => known.month(),
            Frequency::Quarterly => (known.month() - 1) / 3 * 3 + 1,
            Frequency::Annual => 1,
        };
        Date::new(known.year(), month, 1).unwrap_or(known)
    }

    fn has(&self, date: Date) -> bool {
        self.frequency != Frequency::Daily || !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    fn value(&self, date: Date) -> Option<f64> {
        if self.frequency == Frequency::Daily && holidays::new_york(date).is_none() {
            return None;
        }
        let at = utc_midnight(date);
        let years = (at - 1_704_067_200) as f64 / 31_556_952.0;
        let wave = |period: f64| (years / period * std::f64::consts::TAU).sin();
        let noise = (hash(self.id, at) % 2_001) as f64 / 1_000.0 - 1.0;
        let around = 1.0 + self.swing * (wave(9.0) * 0.7 + wave(1.3) * 0.2 + noise * 0.05);
        Some(self.level * (1.0 + self.growth).powf(years) * around)
    }

    /// As it is published.
    pub(super) fn text(&self, value: Option<f64>, decimals: Option<usize>) -> String {
        let decimals = decimals.unwrap_or(self.decimals);
        value.map_or(".".to_owned(), |value| format!("{value:.decimals$}"))
    }

    /// As published values are, for what is computed from them.
    pub(super) fn rounded(&self, value: Option<f64>) -> Option<f64> {
        value.map(|value| crate::instruments::round(value, self.decimals as i32))
    }
}
