//! Reading answers, and writing them again.

use super::template::{Hole, Piece};
use super::{CSV, DAY, Described, NEWEST_FIRST, Way, call, paging};
use crate::endpoint::Paging;
use crate::json::Pairs;
use crate::rows::{Order, Runs};
use crate::shape::{Kind, columns, csv, keyed, records, rows};
use crate::{Batch, Composed, Decoded, Joined, Joint, Page, Part, Segment, Shape, Undecodable, json, stamp};
use finex_core::columns::Bars;
use finex_core::envelope::Envelope;
use finex_core::plan::{Anchor, Call};
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use serde_json::value::RawValue;

/// What stands in an object or a list on the way to the rows; none if it is not there.
fn member<'a>(text: &'a str, path: &str, symbol: &str) -> Result<Option<&'a str>, String> {
    let mut at = text;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let name = if name == "{symbol}" { symbol } else { name };
        let found = match name.parse::<usize>() {
            Ok(place) if at.trim_start().starts_with('[') => {
                let list: Vec<&RawValue> = serde_json::from_str(at).map_err(|e| e.to_string())?;
                list.get(place).map(|raw| raw.get())
            }
            _ => serde_json::from_str::<Pairs<'_>>(at).map_err(|e| e.to_string())?.get(name),
        };
        match found {
            Some("null") | None => return Ok(None),
            Some(text) => at = text,
        }
    }
    Ok(Some(at))
}

/// The bars of one series in an answer, which may be one for several.
pub(super) fn read(provider: &Described, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
    let bad = |detail: String| Undecodable::new("", detail);
    let way = provider.way(series).ok_or_else(|| bad("no endpoint brings such bars".into()))?;
    let text = std::str::from_utf8(body).map_err(|e| bad(e.to_string()))?;
    let own = own_part(way, series, text).map_err(bad)?;
    let rows = match own {
        Some(own) => member(own, &way.facts.rows, &series.symbol).map_err(bad)?,
        None => None,
    };
    let mut spoken = call::spoken(provider, series, call);
    let all = match rows {
        Some(rows) if !is_empty(way, rows) => read_rows(provider, series, way, rows)?,
        None if !says_empty(way, text) => {
            return Err(bad("it has no rows, and does not say that there are none".into()));
        }
        _ => Bars::with_columns(way.table.fields.iter().filter_map(|field| field.column)),
    };
    if let (Some(cap), Some(first)) = (way.facts.cap, all.times.first())
        && all.len() as u64 >= cap
    {
        spoken = Window::new(*first, spoken.to);
    }
    if call::rows(provider, series).is_some() && paging::is_cut(way, body) && call.anchor != Anchor::Both {
        let cut = call::cut(provider, series, call, spoken, &all.times);
        spoken = cut.ok_or_else(|| bad("it says that there is more, and has no rows".into()))?;
    }
    // What lies outside was not asked for, and may be cut at the edge.
    let bars = all.select(|row| spoken.contains(all.times[row]));
    let spoken = if provider.is_whole(series.interval) { call.window } else { spoken };
    let mut envelope = Envelope::default();
    for name in &way.facts.facts {
        let value = own.map(|own| member(own, name, &series.symbol)).transpose().map_err(bad)?.flatten();
        envelope.facts.extend(value.map(|value| (name.clone(), value.to_owned())));
    }
    Ok(Decoded { bars, envelope, spoken: Some(spoken), ..Decoded::default() })
}

/// Of an answer that lists its symbols, the part of one; else the answer itself.
fn own_part<'a>(way: &Way, series: &Series, text: &'a str) -> Result<Option<&'a str>, String> {
    if !(way.facts.symbols.is_some() && text.trim_start().starts_with('[')) {
        return Ok(Some(text));
    }
    let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let is_own = |raw: &&&RawValue| {
        let ticker = serde_json::from_str::<Pairs<'_>>(raw.get()).ok();
        let ticker =
            ticker.as_ref().and_then(|pairs| pairs.get("ticker")).map(|text| text.trim_matches('"').to_owned());
        ticker.is_some_and(|ticker| ticker.eq_ignore_ascii_case(&series.symbol))
    };
    Ok(list.iter().find(is_own).map(|raw| raw.get()))
}

/// Does an answer without rows show that there are none? A refusal in new words must not pass for one.
fn says_empty(way: &Way, text: &str) -> bool {
    let listed = way.facts.symbols.is_some() && text.trim_start().starts_with('[');
    let first = way.facts.rows.split('/').next().unwrap_or_default();
    let told_by = way.facts.empty_by.as_deref().unwrap_or(first);
    let has = |name: &str| serde_json::from_str::<Pairs<'_>>(text).is_ok_and(|body| body.get(name).is_some());
    listed || has(told_by)
}

/// Has a provider that writes columns said that there are none?
fn is_empty(way: &Way, rows: &str) -> bool {
    let time = way.table.fields.iter().find(|field| field.column.is_none());
    way.facts.shape == Kind::Columns
        && time.is_some_and(|time| member(rows, &time.name, "").is_ok_and(|found| found.is_none()))
        && way.facts.empty.as_deref().is_some_and(|empty| same_json(empty, rows))
}

fn same_json(a: &str, b: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    value(a).is_some_and(|a| Some(a) == value(b))
}

fn read_rows(provider: &Described, series: &Series, way: &Way, text: &str) -> Result<Bars, Undecodable> {
    let table = provider.table(series).unwrap_or_else(|| way.table.clone());
    match way.facts.shape {
        Kind::Records => records::read(&table, text),
        Kind::Rows => rows::read(&table, text),
        Kind::Columns => columns::read(&table, text),
        Kind::Keyed => keyed::read(&table, text),
    }
}

pub(super) fn encode(provider: &Described, series: &Series, bars: &Bars, shape: Shape) -> Runs {
    let Some((way, table)) = provider.way(series).zip(provider.table(series)) else { return Runs::default() };
    let order = if shape.0 & NEWEST_FIRST != 0 { Order::NewestFirst } else { Order::OldestFirst };
    let row_bytes = provider.manifest.class_of(series.interval).map_or(provider.manifest.row_bytes, |c| c.row_bytes);
    if let Some(facts) = way.facts.csv.as_ref().filter(|_| shape.0 & CSV != 0) {
        let lines =
            csv::Lines { delimiter: facts.delimiter, carriage_return: facts.carriage_return, unit: facts.stamp };
        return csv::write(&table, lines, bars, order, row_bytes);
    }
    match way.facts.shape {
        Kind::Records => records::write(&table, bars, order, row_bytes),
        Kind::Rows => rows::write(&table, bars, order, row_bytes),
        Kind::Columns => columns::write(&table, bars, order),
        Kind::Keyed => keyed::write(&table, bars, order, row_bytes, keyed::Layout::default()),
    }
}

pub(super) fn reread(provider: &Described, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
    let bad = |detail: &str| Undecodable::new("", detail);
    let way = provider.way(series).ok_or_else(|| bad("no endpoint brings such bars"))?;
    let table = provider.table(series).unwrap_or_else(|| way.table.clone());
    let whole = || {
        let rows = runs.slice(0, 0, runs.len());
        String::from_utf8(rows.to_vec()).map(|rows| format!("[{rows}]")).map_err(|_| bad("rows are not UTF-8"))
    };
    match way.facts.shape {
        Kind::Records => records::read(&table, &whole()?),
        Kind::Rows => rows::read(&table, &whole()?),
        Kind::Columns => columns::reread(&table, runs),
        Kind::Keyed => keyed::reread(&table, runs),
    }
}

/// The way by which a client asked.
fn asked_by(provider: &Described, page_options: u32) -> Option<&Way> {
    provider.ways.get(page_options as usize)
}

pub(super) fn compose(provider: &Described, page: &Page<'_>) -> Composed {
    let shape = page.native.shape;
    let Some(way) = asked_by(provider, page.native.options) else {
        return Composed { segments: Vec::new(), content_type: provider.json, separator: ",", shape };
    };
    if let Some(csv) = way.facts.csv.as_ref().filter(|_| shape.0 & CSV != 0) {
        let end = if csv.carriage_return { "\r\n" } else { "\n" };
        let head = Segment::Text(format!("{}{end}", csv.header).into());
        // Rows bring their carriage return; the line feed behind the last is the answer's.
        let tail = if page.rows > 0 { "\n" } else { "" };
        let segments = vec![head, Segment::Run(0), Segment::Static(tail)];
        return Composed { segments, content_type: way.csv, separator: "\n", shape };
    }
    let template = match (&way.member, &way.empty) {
        (Some(member), _) => member,
        (None, Some(empty)) if page.rows == 0 => empty,
        _ => &way.answer,
    };
    let segments = template.fill(|hole| filled(provider, way, page, hole));
    Composed { segments, content_type: provider.json, separator: ",", shape }
}

fn filled(provider: &Described, way: &Way, page: &Page<'_>, hole: &Hole) -> String {
    match hole {
        Hole::Symbol => json::string(&page.series.symbol),
        Hole::BareSymbol => page.series.symbol.to_string(),
        Hole::Count => page.rows.to_string(),
        Hole::Scanned => (page.rows as u64 * call::scanned(page.series)).to_string(),
        Hole::Variant(name) => {
            let default = way.facts.variant.get(name).map_or("", String::as_str);
            page.series.variant.get(name).unwrap_or(default).to_owned()
        }
        Hole::Fact(name, default) => {
            let known = page.notes.fact(name).or(page.sight.envelope.fact(name));
            known.unwrap_or(default).to_owned()
        }
        Hole::Id => id(page),
        Hole::Link => link(provider, way, page).unwrap_or_default(),
        Hole::Token => match page.more.and(page.range) {
            Some((first, last)) => {
                let end = if is_newest_first(page) { first } else { last };
                json::string(&paging::token(&page.series.symbol, end, page.series.interval.nominal_len() >= DAY))
            }
            None => "null".into(),
        },
        Hole::Run(_) | Hole::Members => String::new(),
    }
}

fn is_newest_first(page: &Page<'_>) -> bool {
    page.native.shape.0 & NEWEST_FIRST != 0
}

/// The same answer has the same name.
fn id(page: &Page<'_>) -> String {
    let words = format!("{}{:?}{:?}{:?}", page.series.symbol, page.series.interval, page.window, page.range);
    let mix = |seed: u64| {
        words.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5))
    };
    format!("{:016x}{:016x}", mix(0xcbf2_9ce4_8422_2325), mix(0x9e37_79b9_7f4a_7c15))
}

/// `,"next_url":"…"` where there is more.
fn link(provider: &Described, way: &Way, page: &Page<'_>) -> Option<String> {
    let Some(Paging::Link { member, parameter }) = &way.facts.paging else { return None };
    let (first, last) = page.more.and(page.range)?;
    let end = if is_newest_first(page) { first } else { last };
    let word = provider.manifest.native_interval(page.series.interval)?;
    let ms = |ts: Ts| {
        let mut text = String::new();
        stamp::write(ts, stamp::Unit::Millis, &provider.zone, &mut text);
        text
    };
    let symbol = call::encoded(&page.series.symbol);
    let path = way.facts.path.replace("{symbol}", &symbol).replace("{interval}", word);
    let window = call::put_together_from(page.series).unwrap_or(page.window);
    let path = path.replace("{from}", &ms(window.from)).replace("{to}", &ms(window.to - 1));
    let token = paging::token(&page.series.symbol, end, false);
    let mut pairs = vec![(parameter.as_str(), token)];
    for name in way.facts.variant.keys() {
        pairs.extend(page.series.variant.get(name).map(|value| (name.as_str(), value.to_owned())));
    }
    if let (Some(sort), true) = (&way.facts.sort, is_newest_first(page)) {
        pairs.extend(sort.newest_first.first().map(|word| (sort.name.as_str(), word.clone())));
    }
    if let (Some(limit), Some(rows)) = (&way.facts.limit, page.native.page) {
        pairs.push((limit.name.as_str(), rows.to_string()));
    }
    Some(format!(",{}:{}", json::string(member), paging::link(page.base, &path, &pairs)))
}

pub(super) fn join(provider: &Described, batch: &Batch, parts: &[Part<'_>]) -> Joined {
    let asked = batch.members.iter().find_map(|(_, ask)| ask.as_ref().ok());
    let is_daily = asked.is_some_and(|ask| ask.series.interval.nominal_len() >= DAY);
    let Some(way) = asked_by(provider, batch.options) else {
        return Joined { joints: Vec::new(), content_type: provider.json, headers: &[] };
    };
    let shown: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].rows > 0 || !way.facts.skip_empty).collect();
    let mut joints = Vec::new();
    for piece in way.answer.pieces() {
        match piece {
            Piece::Text(text) => joints.push(Joint::Text(bytes::Bytes::from_static(text.as_bytes()))),
            Piece::Hole(Hole::Members) => {
                for (i, at) in shown.iter().enumerate() {
                    joints.push(Joint::Text(bytes::Bytes::from_static(if i > 0 { b"," } else { b"" })));
                    joints.push(Joint::Part(*at));
                }
            }
            Piece::Hole(Hole::Token) => {
                joints.push(Joint::Text(token(parts, batch, is_daily).into()));
            }
            Piece::Hole(_) => {}
        }
    }
    Joined { joints, content_type: provider.json, headers: &[] }
}

/// Where the next page begins: behind the last row of this one.
fn token(parts: &[Part<'_>], batch: &Batch, is_daily: bool) -> String {
    let is_more = parts.iter().any(|part| part.more.is_some());
    let last = parts.iter().rev().find_map(|part| Some((part.name, part.range?)));
    match last.filter(|_| is_more) {
        Some((name, (first, last))) => {
            let end = if batch.newest_first { first } else { last };
            json::string(&paging::token(name, end, is_daily))
        }
        None => "null".into(),
    }
}
