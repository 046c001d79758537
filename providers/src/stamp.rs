//! How providers write instants.

use finex_core::time::Ts;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Deserialize;
use std::fmt::Write;
use std::sync::LazyLock;

const DAY: i64 = 86_400_000;
/// Beyond these no provider has bars, and civil time has no room: the years 1 and 9998.
const EARLIEST: Ts = -62_135_596_800_000;
const LATEST: Ts = 253_339_228_800_000;

/// The zones that are compiled in: what a bar is called must not depend on the machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Their names in order, so that a zone has a number.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names: Vec<String> = ZONES.available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
});

/// A zone by its exact name.
pub fn zone(name: &str) -> Option<TimeZone> {
    zone_number(name).and_then(numbered_zone)
}

pub fn zone_number(name: &str) -> Option<u16> {
    NAMES.binary_search_by(|known| known.as_str().cmp(name)).ok().and_then(|at| u16::try_from(at).ok())
}

pub fn numbered_zone(number: u16) -> Option<TimeZone> {
    ZONES.get(NAMES.get(usize::from(number))?).ok()
}

/// Ways of writing an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Unit {
    /// Seconds or milliseconds since 1970.
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Millis,
    /// `2024-03-05`: in bars, a day that stands for its beginning in UTC.
    #[serde(rename = "date")]
    Date,
    /// `2024-03-05 09:30:00` on a clock of the provider's.
    #[serde(rename = "datetime")]
    DateTime,
    /// `2024-03-05T14:30:00.000Z`.
    #[serde(rename = "iso")]
    Iso,
    /// `2024-03-05T14:30:00Z`.
    #[serde(rename = "rfc3339")]
    Rfc3339,
    /// `2024-03-05T14:30:00+00:00`.
    #[serde(rename = "offset")]
    Offset,
}

/// An instant of a zone's clock, as if that were UTC.
pub fn local(ts: Ts, zone: &TimeZone) -> Ts {
    let Ok(instant) = Timestamp::from_millisecond(ts.clamp(EARLIEST + DAY, LATEST - DAY)) else { return ts };
    ts.saturating_add(i64::from(zone.to_offset(instant).seconds()) * 1_000)
}

/// The instant at which a zone's clock shows this; the earlier one where it shows it twice.
pub fn global(local: Ts, zone: &TimeZone) -> Ts {
    if local <= EARLIEST + DAY || local >= LATEST - DAY {
        return local;
    }
    let civil = civil(local);
    zone.to_ambiguous_timestamp(civil).compatible().map_or(local, |ts| ts.as_millisecond() + local.rem_euclid(1))
}

/// Does a clock show this twice, or not at all?
pub fn jumps(local: Ts, zone: &TimeZone) -> bool {
    const HOUR: i64 = 3_600_000;
    // In the hour before a gap or behind a fold as well: an instant that was read tells no more which it was.
    [-HOUR, 0, HOUR].into_iter().any(|by| zone.to_ambiguous_timestamp(civil(local.saturating_add(by))).is_ambiguous())
}

fn civil(ts: Ts) -> DateTime {
    let ts = Timestamp::from_millisecond(ts.clamp(EARLIEST, LATEST)).unwrap_or_default();
    TimeZone::UTC.to_datetime(ts)
}

fn instant(civil: DateTime) -> Option<Ts> {
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// Writes an instant; `zone` counts for clocks.
pub fn write(ts: Ts, unit: Unit, zone: &TimeZone, out: &mut impl Write) {
    let clock = if unit == Unit::DateTime { civil(local(ts, zone)) } else { civil(ts) };
    let (date, time) = (clock.date(), clock.time());
    let (h, m, s) = (time.hour(), time.minute(), time.second());
    let date = format_args!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()).to_string();
    // Writing to a text does not fail.
    let _ = match unit {
        Unit::Seconds => write!(out, "{}", ts.div_euclid(1_000)),
        Unit::Millis => write!(out, "{ts}"),
        Unit::Date => out.write_str(&date),
        Unit::DateTime => write!(out, "{date} {h:02}:{m:02}:{s:02}"),
        Unit::Iso => write!(out, "{date}T{h:02}:{m:02}:{s:02}.{:03}Z", time.millisecond()),
        Unit::Rfc3339 => write!(out, "{date}T{h:02}:{m:02}:{s:02}Z"),
        Unit::Offset => write!(out, "{date}T{h:02}:{m:02}:{s:02}+00:00"),
    };
}

/// Reads what [`write`] writes; none for anything else.
pub fn read(text: &str, unit: Unit, zone: &TimeZone) -> Option<Ts> {
    match unit {
        Unit::Seconds => text.parse::<i64>().ok()?.checked_mul(1_000),
        Unit::Millis => text.parse().ok(),
        Unit::Date => date(text),
        Unit::DateTime => {
            let (day, clock) = text.split_once(' ')?;
            Some(global(date(day)? + time(clock)?, zone))
        }
        Unit::Iso => at(text.strip_suffix('Z')?),
        Unit::Rfc3339 => at(text.strip_suffix('Z')?),
        Unit::Offset => at(text.strip_suffix("+00:00")?),
    }
}

fn at(text: &str) -> Option<Ts> {
    let (day, clock) = text.split_once('T')?;
    Some(date(day)? + time(clock)?)
}

/// `2024-03-05` as its beginning in UTC.
pub fn date(text: &str) -> Option<Ts> {
    let b = text.as_bytes();
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let number = |from: usize, to: usize| digits(&b[from..to]);
    let date = Date::new(number(0, 4)? as i16, number(5, 7)? as i8, number(8, 10)? as i8).ok()?;
    instant(date.at(0, 0, 0, 0))
}

/// `09:30`, `09:30:00` or `09:30:00.000` in milliseconds of the day.
pub fn time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let b = whole.as_bytes();
    if !(b.len() == 8 && b[5] == b':' || b.len() == 5) || b[2] != b':' {
        return None;
    }
    let (h, m) = (digits(&b[..2])?, digits(&b[3..5])?);
    let s = if b.len() == 8 { digits(&b[6..])? } else { 0 };
    let millis = match fraction.len() {
        0 => 0,
        1..=9 => digits(format!("{fraction:0<3}").as_bytes().get(..3)?)?,
        _ => return None,
    };
    (h < 24 && m < 60 && s < 60).then_some(((h * 60 + m) * 60 + s) * 1_000 + millis)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// An instant as clients write it: a day, a day with a time of `zone`, or RFC 3339 with its own offset. Says whether it
/// is a whole day.
pub fn client(text: &str, zone: &TimeZone) -> Option<(Ts, bool)> {
    if let Some(day) = date(text) {
        return Some((global(day, zone), true));
    }
    let (day, rest) = (date(text.get(..10)?)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let east = rest.find(['Z', 'z', '+']).or_else(|| rest.rfind('-'));
    let (clock, offset) = rest.split_at(east.unwrap_or(rest.len()));
    let local = day + time(clock)?;
    match offset {
        "" => Some((global(local, zone), false)),
        "Z" | "z" => Some((local, false)),
        _ => {
            let minutes = offset[1..].replace(':', "");
            let n = (minutes.len() == 4).then(|| digits(minutes.as_bytes())).flatten()?;
            if n / 100 > 14 || n % 100 > 59 || matches!(offset.as_bytes()[0], b'Z' | b'z') {
                return None;
            }
            let east = (n / 100 * 60 + n % 100) * 60_000;
            Some((if offset.starts_with('-') { local + east } else { local - east }, false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [Unit; 7] =
        [Unit::Seconds, Unit::Millis, Unit::Date, Unit::DateTime, Unit::Iso, Unit::Rfc3339, Unit::Offset];

    #[test]
    fn instants_are_read_as_they_were_written() {
        let new_york = zone("America/New_York").expect("a zone");
        for ts in [0, 1_709_634_000_000, 1_720_000_000_000, -86_400_000 * 400, 1_709_596_800_000] {
            for unit in UNITS.into_iter().filter(|unit| *unit != Unit::Date || ts % DAY == 0) {
                let mut text = String::new();
                write(ts, unit, &new_york, &mut text);
                assert_eq!(read(&text, unit, &new_york), Some(ts), "{text}");
            }
        }
        let mut text = String::new();
        write(1_709_634_000_000, Unit::DateTime, &new_york, &mut text);
        assert_eq!(text, "2024-03-05 05:20:00");
    }

    #[test]
    fn clients_write_days_clocks_and_offsets() {
        let new_york = zone("America/New_York").expect("a zone");
        let ts = |text: &str| client(text, &new_york);
        assert_eq!(ts("2024-03-05"), Some((1_709_614_800_000, true)));
        assert_eq!(ts("2024-03-05 05:20:00"), Some((1_709_634_000_000, false)));
        assert_eq!(ts("2024-03-05T10:20:00Z"), Some((1_709_634_000_000, false)));
        assert_eq!(ts("2024-03-05T10:20:00+00:00"), Some((1_709_634_000_000, false)));
        assert_eq!(ts("2024-03-05T05:20:00.000-05:00"), Some((1_709_634_000_000, false)));
        for bad in [
            "",
            "2024-3-5",
            "2024-02-30",
            "2024-03-05X10:00:00",
            "2024-03-05T25:00:00",
            "2024-03-05T10:00:00+1",
            "é024-03-05é10:00",
        ] {
            assert_eq!(ts(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_zone_has_a_number() {
        let number = zone_number("Asia/Tokyo").expect("a number");
        assert_eq!(local(0, &numbered_zone(number).expect("a zone")), 9 * 3_600_000);
        assert_eq!(zone_number("asia/tokyo"), None);
    }
}
