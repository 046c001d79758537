//! What the notes of a chart say: sessions, the close before, and how their numbers are written.

use super::{DAY, number_fact};
use finex_core::envelope::Envelope;
use finex_core::time::Ts;
use serde::Deserialize;

pub(super) const SESSIONS: [&str; 3] = ["pre", "regular", "post"];
/// The close before an answer's first bar or session, by when that opens.
pub(super) const PREVIOUS: &str = "previous";

/// Seconds as milliseconds, as far as years have four or five digits: no sum of two of them overflows.
pub(super) fn millis(seconds: i64) -> Option<Ts> {
    (-99_999_999_999..=99_999_999_999).contains(&seconds).then(|| seconds * 1_000)
}

/// Opening of the regular session that a bar belongs to, its early hours included.
pub(super) fn session_at(envelope: &Envelope, open: Ts) -> Option<Ts> {
    const EARLY: i64 = 12 * 3_600_000;
    let sessions = envelope.notes.get("regular")?;
    let pre = |regular: &Ts| {
        let pre = envelope.notes.get("pre").and_then(|notes| notes.get(regular));
        pre.and_then(|note| bounds(note)).map_or(*regular, |(start, _)| start)
    };
    let ahead = sessions.range(open + 1..open + EARLY).map(|(at, _)| *at).find(|at| pre(at) <= open);
    ahead.or_else(|| sessions.range(..=open).next_back().map(|(at, _)| *at))
}

/// When an intraday bar ends: with its session, if that is earlier than its length says.
pub(super) fn end_of(envelope: &Envelope, open: Ts, len: i64) -> Ts {
    let end = open.saturating_add(len);
    let Some(session) = session_at(envelope, open) else { return end };
    let parts = SESSIONS.iter().filter_map(|kind| bounds(envelope.notes.get(*kind)?.get(&session)?));
    parts
        .filter(|(start, close)| *start <= open && open < *close)
        .map(|(_, close)| close.min(end))
        .next()
        .unwrap_or(end)
}

/// First and last instant of a session's note, in milliseconds.
pub(super) fn bounds(note: &str) -> Option<(Ts, Ts)> {
    let (start, end, _) = period(note)?;
    Some((start, end))
}

/// First and last instant, and milliseconds east of UTC.
pub(super) fn period(note: &str) -> Option<(Ts, Ts, i64)> {
    #[derive(Deserialize)]
    struct Period {
        start: i64,
        end: i64,
        #[serde(default)]
        gmtoffset: i64,
    }
    let period = serde_json::from_str::<Period>(note).ok()?;
    let (start, end, east) = (millis(period.start)?, millis(period.end)?, millis(period.gmtoffset)?);
    // Markets that never close are said to close a minute before midnight.
    let all_day = end.saturating_add(60_000).saturating_add(east).rem_euclid(DAY) == 0;
    Some((start, if all_day { end + 60_000 } else { end }, east))
}

/// A price in an envelope: three decimals, or as many as the symbol's hint says if those are more.
pub(super) fn short(price: f64, sight: &Envelope) -> String {
    let hint = number_fact(sight, "priceHint").unwrap_or(2).clamp(3, 9);
    let scale = 10f64.powi(hint as i32);
    format!("{:?}", (price * scale).round() / scale)
}
