//! Bars as Polars frames, and frames as Parquet files: the only module that names Polars.
//!
//! Numbers keep their text. A column is stored as f64 (counts and times as i64) with a rule that writes the text again
//! (`fixed:8`, `int`, `shortest`, `float`: the shortest with a decimal point); the rule is verified for every row, and the texts of rows for which it fails stand in
//! the footer. A volume of 123456789012.12345678 is more than f64 can hold, and still comes back whole. Every file of a
//! series has the same columns of the same types, so that readers can open them together.

use finex_core::columns::{Bars, Column, Columns, Texts};
use finex_core::time::Ts;
use polars::prelude::*;
use polars_io::parquet::write::KeyValueMetadata;
use std::collections::BTreeMap;
use std::io::Cursor;

/// Name and value of what stands beside the rows in a file.
pub type Metadata = BTreeMap<String, String>;

const TIMESTAMP: &str = "timestamp";
const RULES: &str = "finex.rules";
const EXCEPTIONS: &str = "finex.exceptions";

/// Texts that no rule writes, by column and row.
type Exceptions = BTreeMap<String, BTreeMap<usize, String>>;

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("polars: {0}")]
    Polars(#[from] PolarsError),
    #[error("not a fragment: {0}")]
    Shape(String),
}

/// How a column's numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Int,
    /// A whole number with `.0` behind it.
    WholeFloat,
    Fixed(usize),
    Shortest,
    Float,
}

impl Rule {
    fn name(self) -> String {
        match self {
            Rule::Int => "int".into(),
            Rule::WholeFloat => "int.0".into(),
            Rule::Fixed(decimals) => format!("fixed:{decimals}"),
            Rule::Shortest => "shortest".into(),
            Rule::Float => "float".into(),
        }
    }

    fn parse(text: &str) -> Option<Rule> {
        match text.split_once(':') {
            Some(("fixed", decimals)) => decimals.parse().ok().filter(|d| *d <= 32).map(Rule::Fixed),
            None if text == "int" => Some(Rule::Int),
            None if text == "int.0" => Some(Rule::WholeFloat),
            None if text == "shortest" => Some(Rule::Shortest),
            None if text == "float" => Some(Rule::Float),
            _ => None,
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Rule::Fixed(decimals) => format!("{value:.decimals$}"),
            Rule::Int => format!("{value}"),
            Rule::WholeFloat => format!("{value}.0"),
            // Of two texts that are as near, the even one: as providers' JSON writers choose, and Rust's own does not.
            Rule::Float => serde_json::to_string(&value).unwrap_or_default(),
            Rule::Shortest => Rule::Float.write(value).trim_end_matches(".0").to_owned(),
        }
    }

    /// The rule that fits most of a column: the decimals of its first row, or the shortest text.
    fn of(column: Column, texts: &Texts) -> Rule {
        let fits = |rule: Rule| texts.iter().flatten().filter(|text| rule.holds(text)).count();
        if is_whole(column) {
            return if fits(Rule::WholeFloat) > fits(Rule::Int) { Rule::WholeFloat } else { Rule::Int };
        }
        let decimals = texts.iter().flatten().next().and_then(|text| text.split_once('.')).map_or(0, |(_, d)| d.len());
        let fixed = Rule::Fixed(decimals.min(32));
        // Of those that fit alike, `max_by_key` takes the last.
        [Rule::Float, Rule::Shortest, fixed].into_iter().max_by_key(|rule| fits(*rule)).unwrap_or(fixed)
    }

    fn holds(self, text: &str) -> bool {
        match self {
            Rule::Int => text.parse::<i64>().is_ok_and(|n| n.to_string() == text),
            Rule::WholeFloat => text.strip_suffix(".0").is_some_and(|whole| Rule::Int.holds(whole)),
            _ => text.parse::<f64>().is_ok_and(|value| value.is_finite() && self.write(value) == text),
        }
    }
}

/// Columns that count or tell a time.
fn is_whole(column: Column) -> bool {
    matches!(column, Column::CloseTime | Column::Trades | Column::Label)
}

/// The frame of a run of bars: `timestamp` (milliseconds, UTC), then a column per column.
pub fn frame(bars: &Bars) -> Result<(DataFrame, Metadata), FrameError> {
    let times = Series::new(TIMESTAMP.into(), &bars.times)
        .cast(&DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)))?;
    let (mut columns, mut rules) = (vec![times.into_column()], Vec::new());
    let mut exceptions = Exceptions::new();
    for (column, texts) in &bars.columns {
        let rule = Rule::of(*column, texts);
        rules.push(format!("{}={}", column.name(), rule.name()));
        columns.push(values(*column, texts, rule).into_column());
        let kept = excepted(texts, rule);
        if !kept.is_empty() {
            exceptions.insert(column.name().to_owned(), kept);
        }
    }
    let frame = DataFrame::new(bars.len(), columns)?;
    let mut metadata = Metadata::from([(RULES.to_owned(), rules.join(","))]);
    if !exceptions.is_empty() {
        let text = serde_json::to_string(&exceptions).map_err(|e| FrameError::Shape(e.to_string()))?;
        metadata.insert(EXCEPTIONS.to_owned(), text);
    }
    Ok((frame, metadata))
}

fn values(column: Column, texts: &Texts, rule: Rule) -> Series {
    match rule {
        Rule::Int | Rule::WholeFloat => {
            let whole = |text: &str| text.strip_suffix(".0").unwrap_or(text).parse().ok();
            let values: Vec<Option<i64>> = texts.iter().map(|text| text.and_then(whole)).collect();
            Series::new(column.name().into(), values)
        }
        Rule::Fixed(_) | Rule::Shortest | Rule::Float => {
            let values: Vec<Option<f64>> = (0..texts.len()).map(|row| texts.value(row)).collect();
            Series::new(column.name().into(), values)
        }
    }
}

/// Texts that the rule would not write again, by row.
fn excepted(texts: &Texts, rule: Rule) -> BTreeMap<usize, String> {
    let rows = texts.iter().enumerate();
    rows.filter_map(|(row, text)| Some((row, text.filter(|text| !rule.holds(text))?.to_owned()))).collect()
}

/// A plain Parquet file of the bars, with `metadata` beside them. Of `columns`, those that the bars have not are null:
/// readers open all files of a provider together.
pub fn to_parquet(bars: &Bars, columns: Columns, metadata: &Metadata) -> Result<Vec<u8>, FrameError> {
    let (mut frame, rules) = frame(bars)?;
    for column in columns.without(bars.set()).iter() {
        let kind = if is_whole(column) { DataType::Int64 } else { DataType::Float64 };
        let nulls = Series::new_null(column.name().into(), bars.len()).cast(&kind)?;
        frame.with_column(nulls.into_column())?;
    }
    // In one order, whichever the bars came in.
    let names = columns.iter().chain(bars.set().without(columns).iter()).map(Column::name);
    let mut frame = frame.select([TIMESTAMP].into_iter().chain(names))?;
    let pairs: Vec<(String, String)> = metadata.iter().chain(&rules).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut file = Vec::with_capacity(bars.len() * 64 + 4_096);
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
        .set_parallel(false)
        .finish(&mut frame)?;
    Ok(file)
}

/// The bars of a file that [`to_parquet`] wrote. The caller has verified its checksum.
pub fn from_parquet(file: &[u8]) -> Result<(Bars, Metadata), FrameError> {
    let mut reader = ParquetReader::new(Cursor::new(file)).read_parallel(ParallelStrategy::None);
    let pairs = reader.get_metadata()?.key_value_metadata().clone().unwrap_or_default();
    let metadata: Metadata = pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect();
    let frame = reader.finish()?;
    let rules = metadata.get(RULES).ok_or_else(|| FrameError::Shape("it has no rules of text".into()))?;
    let exceptions: Exceptions = match metadata.get(EXCEPTIONS) {
        None => Exceptions::new(),
        Some(text) => serde_json::from_str(text).map_err(|e| FrameError::Shape(e.to_string()))?,
    };
    let times = frame.column(TIMESTAMP)?.cast(&DataType::Int64)?;
    let times: Vec<Ts> = times.i64()?.into_no_null_iter().collect();
    let mut bars = Bars { times, columns: Vec::new() };
    for rule in rules.split(',').filter(|rule| !rule.is_empty()) {
        let unknown = || FrameError::Shape(format!("`{rule}` is no rule of text"));
        let (name, rule) = rule.split_once('=').ok_or_else(unknown)?;
        let column = Column::named(name).ok_or_else(unknown)?;
        let rule = Rule::parse(rule).ok_or_else(unknown)?;
        bars.columns.push((column, texts(&frame, name, rule, exceptions.get(name))?));
    }
    if bars.columns.iter().any(|(_, texts)| texts.len() != bars.times.len()) {
        return Err(FrameError::Shape("its columns differ in length".into()));
    }
    Ok((bars, metadata))
}

fn texts(
    frame: &DataFrame,
    name: &str,
    rule: Rule,
    exceptions: Option<&BTreeMap<usize, String>>,
) -> Result<Texts, FrameError> {
    let mut out = Texts::default();
    let mut push =
        |row: usize, written: Option<String>| match exceptions.and_then(|kept| kept.get(&row)).or(written.as_ref()) {
            Some(text) => out.push(text),
            None => out.push_null(),
        };
    let column = frame.column(name)?;
    if matches!(rule, Rule::Int | Rule::WholeFloat) {
        let point = if rule == Rule::Int { "" } else { ".0" };
        column.i64()?.iter().enumerate().for_each(|(row, value)| push(row, value.map(|v| format!("{v}{point}"))));
    } else {
        column.f64()?.iter().enumerate().for_each(|(row, value)| push(row, value.map(|v| rule.write(v))));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bars(texts: &[Option<&str>]) -> Bars {
        let mut bars = Bars::with_columns([Column::Close, Column::Trades]);
        for (row, text) in texts.iter().enumerate() {
            bars.times.push(row as Ts * 60_000);
            match text {
                Some(text) => bars.columns[0].1.push(text),
                None => bars.columns[0].1.push_null(),
            }
            bars.columns[1].1.push(&row.to_string());
        }
        bars
    }

    fn round_trip(bars: &Bars) -> Bars {
        let file = to_parquet(bars, Columns::default(), &Metadata::new()).expect("a file");
        from_parquet(&file).expect("bars").0
    }

    #[test]
    fn numbers_keep_their_text() {
        let texts =
            ["0.01634790", "123456789012.12345678", "0.00000000", "-37.63000000", "1e-8", "007", "1.5", "-0.00000000"];
        let bars = bars(&[&texts.map(Some)[..], &[None]].concat());
        assert_eq!(round_trip(&bars), bars);
    }

    #[test]
    fn every_file_has_the_same_columns() {
        let plain = frame(&bars(&[Some("1.50000000"), Some("2.25000000")])).expect("a frame");
        let odd = frame(&bars(&[Some("123456789012.12345678"), Some("7")])).expect("a frame");
        assert_eq!(plain.0.schema(), odd.0.schema());
        assert_eq!((plain.1.len(), odd.1.len()), (1, 2), "exceptions stand in the footer, where there are any");
    }

    /// Every column, as any provider may write it: exponents, more digits than f64 or i64 hold, signs, zeros, words.
    fn any_text() -> impl Strategy<Value = Option<String>> {
        let plain = "-?[0-9]{1,14}(\\.[0-9]{1,12})?";
        let odd = "[+-]?(0{0,3}[0-9]{1,30})(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?";
        let whole = prop::sample::select(vec![
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "-0",
            "-0.0",
            "1e5",
            "1E-07",
            "00",
            "1.",
            ".5",
            "NaN",
            "Infinity",
            "1.7976931348623157e308",
            "5e-324",
            "1e400",
            "0.1",
            "2.9590001e+07",
            "12345678901234567890.0",
        ]);
        prop_oneof![
            1 => Just(None),
            6 => plain.prop_map(Some),
            4 => odd.prop_map(Some),
            3 => whole.prop_map(|text| Some(text.to_owned())),
        ]
    }

    proptest! {
        #[test]
        fn any_number_text_of_any_column_comes_back(
            rows in prop::collection::vec(prop::collection::vec(any_text(), 22), 1..24),
        ) {
            let all = Columns::all();
            let mut bars = Bars::with_columns(all.iter());
            for (row, texts) in rows.iter().enumerate() {
                bars.times.push(row as Ts * 60_000);
                for ((_, column), text) in bars.columns.iter_mut().zip(texts) {
                    match text {
                        Some(text) => column.push(text),
                        None => column.push_null(),
                    }
                }
            }
            let file = to_parquet(&bars, all, &Metadata::new()).expect("a file");
            let (of_any, of_ones) = (frame(&bars).expect("a frame").0, frame(&bars_of_ones(all)).expect("a frame").0);
            prop_assert_eq!(of_any.schema(), of_ones.schema(), "readers open all files together");
            prop_assert_eq!(from_parquet(&file).expect("bars").0, bars);
        }
    }

    fn bars_of_ones(columns: Columns) -> Bars {
        let mut bars = Bars::with_columns(columns.iter());
        bars.times.push(0);
        bars.columns.iter_mut().for_each(|(_, texts)| texts.push("1"));
        bars
    }
}
