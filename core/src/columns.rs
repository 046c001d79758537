//! Columns of bars, with their numbers as the provider wrote them.

use crate::time::Ts;
use std::fmt;

/// Every column finex has a word for; the position is the bit in [`Columns`].
const NAMES: [&str; 22] = [
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_base",
    "taker_quote",
    "ignore",
    "adj_close",
    "vwap",
    "adj_open",
    "adj_high",
    "adj_low",
    "adj_volume",
    "dividend",
    "split",
    "market_cap",
    "label",
    "previous_close",
];
const OHLCV: u64 = 0b1_1111;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(u8);

#[allow(non_upper_case_globals)]
impl Column {
    pub const Open: Column = Column(0);
    pub const High: Column = Column(1);
    pub const Low: Column = Column(2);
    pub const Close: Column = Column(3);
    pub const Volume: Column = Column(4);
    pub const CloseTime: Column = Column(5);
    pub const QuoteVolume: Column = Column(6);
    pub const Trades: Column = Column(7);
    pub const TakerBase: Column = Column(8);
    pub const TakerQuote: Column = Column(9);
    pub const Ignore: Column = Column(10);
    pub const AdjClose: Column = Column(11);
    pub const Vwap: Column = Column(12);
    pub const AdjOpen: Column = Column(13);
    pub const AdjHigh: Column = Column(14);
    pub const AdjLow: Column = Column(15);
    pub const AdjVolume: Column = Column(16);
    pub const Dividend: Column = Column(17);
    pub const Split: Column = Column(18);
    pub const MarketCap: Column = Column(19);
    /// Under which instant a provider shows a bar that it does not show under its opening: milliseconds.
    pub const Label: Column = Column(20);
    pub const PreviousClose: Column = Column(21);

    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    pub fn named(name: &str) -> Option<Column> {
        NAMES.iter().position(|n| *n == name).map(|i| Column(i as u8))
    }
}

/// A set of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Columns(u64);

impl Columns {
    pub const OHLCV: Columns = Columns(OHLCV);

    /// Every column there is.
    pub fn all() -> Columns {
        Columns((1 << NAMES.len()) - 1)
    }

    pub fn iter(self) -> impl Iterator<Item = Column> {
        (0..NAMES.len() as u8).map(Column).filter(move |c| self.has(*c))
    }

    pub fn has(self, column: Column) -> bool {
        self.0 & (1 << column.0) != 0
    }

    pub fn includes(self, other: Columns) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn without(self, other: Columns) -> Columns {
        Columns(self.0 & !other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn parse(text: &str) -> Option<Columns> {
        text.split('+').try_fold(Columns::default(), |set, name| match name {
            "" => Some(set),
            "ohlcv" => Some(Columns(set.0 | OHLCV)),
            _ => Column::named(name).map(|c| Columns(set.0 | 1 << c.0)),
        })
    }
}

impl FromIterator<Column> for Columns {
    fn from_iter<I: IntoIterator<Item = Column>>(columns: I) -> Self {
        Columns(columns.into_iter().fold(0, |bits, c| bits | 1 << c.0))
    }
}

/// `ohlcv+quote_volume+…`: the five common columns have one name together.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.includes(Columns::OHLCV);
        let rest = if whole { self.without(Columns::OHLCV) } else { *self };
        let names = whole.then_some("ohlcv").into_iter().chain(rest.iter().map(Column::name));
        f.write_str(&names.collect::<Vec<_>>().join("+"))
    }
}

/// A column of number texts in one buffer; a null is no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<u32>,
    nulls: Vec<u32>,
}

impl Texts {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    pub fn push_null(&mut self) {
        self.nulls.push(self.ends.len() as u32);
        self.ends.push(self.text.len() as u32);
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)? as usize;
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        let null = self.nulls.binary_search(&(row as u32)).is_ok();
        (!null).then(|| &self.text[start..end])
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The value of a row, where it is a number.
    pub fn value(&self, row: usize) -> Option<f64> {
        self.get(row)?.parse().ok().filter(|v: &f64| v.is_finite())
    }
}

/// Bars in columns: `times` are open times, ascending and unique once [`crate::truth::quality`] has seen them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bars {
    pub times: Vec<Ts>,
    pub columns: Vec<(Column, Texts)>,
}

impl Bars {
    pub fn with_columns(columns: impl IntoIterator<Item = Column>) -> Self {
        Bars { times: Vec::new(), columns: columns.into_iter().map(|c| (c, Texts::default())).collect() }
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub fn set(&self) -> Columns {
        self.columns.iter().map(|(c, _)| *c).collect()
    }

    pub fn column(&self, column: Column) -> Option<&Texts> {
        self.columns.iter().find(|(c, _)| *c == column).map(|(_, texts)| texts)
    }

    /// Appends row `row` of `other`, which has the same columns in the same order.
    pub fn push_row(&mut self, other: &Bars, row: usize) {
        self.times.push(other.times[row]);
        for ((_, to), (_, from)) in self.columns.iter_mut().zip(&other.columns) {
            match from.get(row) {
                Some(text) => to.push(text),
                None => to.push_null(),
            }
        }
    }

    /// The rows for which `keep` holds.
    pub fn select(&self, mut keep: impl FnMut(usize) -> bool) -> Bars {
        let mut out = Bars::with_columns(self.columns.iter().map(|(c, _)| *c));
        (0..self.len()).filter(|row| keep(*row)).for_each(|row| out.push_row(self, row));
        out
    }

    pub fn same_row(&self, row: usize, other: &Bars, other_row: usize) -> bool {
        self.times[row] == other.times[other_row]
            && self.columns.iter().zip(&other.columns).all(|((a, x), (b, y))| a == b && x.get(row) == y.get(other_row))
    }

    /// Both sets of rows in order; where both have a bar, the one of `newer` stands.
    pub fn overlay(&self, newer: &Bars) -> Bars {
        let mut out = Bars::with_columns(newer.columns.iter().map(|(c, _)| *c));
        let (mut old, mut new) = (0, 0);
        while old < self.len() || new < newer.len() {
            let older_first = match (self.times.get(old), newer.times.get(new)) {
                (Some(a), Some(b)) => a < b,
                (a, _) => a.is_some(),
            };
            if older_first {
                out.push_row(self, old);
            } else {
                out.push_row(newer, new);
                old += usize::from(self.times.get(old) == newer.times.get(new));
                new += 1;
            }
            old += usize::from(older_first);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(rows: &[(Ts, &str)]) -> Bars {
        let mut out = Bars::with_columns([Column::Close]);
        for (ts, close) in rows {
            out.times.push(*ts);
            out.columns[0].1.push(close);
        }
        out
    }

    #[test]
    fn a_set_of_columns_survives_its_name() {
        for bits in (0..(1u64 << NAMES.len())).step_by(61) {
            let set = Columns(bits);
            assert_eq!(Columns::parse(&set.to_string()), Some(set), "{set}");
        }
        assert_eq!(Columns::parse("ohlcv+nonsense"), None);
    }

    #[test]
    fn the_newer_reading_stands() {
        let old = bars(&[(1, "1"), (2, "2"), (4, "4")]);
        let new = bars(&[(2, "20"), (3, "30")]);
        assert_eq!(old.overlay(&new), bars(&[(1, "1"), (2, "20"), (3, "30"), (4, "4")]));
        assert_eq!(new.overlay(&old), bars(&[(1, "1"), (2, "2"), (3, "30"), (4, "4")]));
    }

    #[test]
    fn nulls_are_not_empty_texts() {
        let mut texts = Texts::default();
        texts.push("1.50");
        texts.push_null();
        texts.push("");
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("1.50"), None, Some("")]);
    }
}
