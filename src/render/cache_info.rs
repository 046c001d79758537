//! `cache_info`: what was held, what was fetched, and what that saved.

use super::{Consensus, Served};
use finex_core::status::Outcome;
use finex_core::time::{Ts, Window};
use finex_core::truth::agreement::Difference;
use serde_json::{Value, json};

/// An instant as RFC 3339.
pub fn rfc3339(ts: Ts) -> String {
    jiff::Timestamp::from_millisecond(ts).map_or_else(|_| ts.to_string(), |t| t.to_string())
}

/// How old the bars are that may still change, in words.
fn freshness(served: &Served) -> String {
    match served.loose {
        None => "final".to_owned(),
        Some((fetched_at, _)) => match (served.journey.now - fetched_at).max(0) / 1_000 {
            0 => "just now".to_owned(),
            1 => "1 second ago".to_owned(),
            n @ 2..=119 => format!("{n} seconds ago"),
            n @ 120..=7_199 => format!("{} minutes ago", n / 60),
            n => format!("{} hours ago", n / 3_600),
        },
    }
}

pub fn cache_info(served: &Served) -> Value {
    let journey = &served.journey;
    let (rows, fetched) = (served.rows(), served.fetched());
    let cached = rows - fetched;
    let share = if rows == 0 { f64::from(u8::from(journey.calls == 0)) } else { cached as f64 / rows as f64 };
    let final_rows: usize = served.pieces.iter().filter(|p| p.is_final).map(|p| p.rows.len()).sum();
    let window = |w: &Window| json!([rfc3339(w.from), rfc3339(w.to)]);
    let mut info = json!({
        "hit_rate": share,
        "coverage_ratio": share,
        "cache_keys_used": served.pieces.iter().map(|p| p.fragment.key.to_string()).collect::<Vec<_>>(),
        "api_calls_made": journey.calls,
        "response_time_ms": journey.started.elapsed().as_micros() as f64 / 1e3,
        "data_freshness": freshness(served),
        "status": journey.outcome.name(),
        "collapsed": journey.collapsed,
        "complete": journey.outcome != Outcome::Stale,
        "level": journey.tier,
        "data_age_seconds": served.loose.map(|(at, _)| (journey.now - at).max(0) / 1_000),
        "expires_in_seconds": served.loose.map(|(_, until)| (until - journey.now) / 1_000),
        "bars": {
            "returned": rows, "cached": cached, "fetched": fetched,
            "final": final_rows, "forming": rows - final_rows,
        },
        "ranges": {
            "actual": served.range().map(|(first, last)| json!([rfc3339(first), rfc3339(last)])),
            "missing_before": journey.missing.iter().map(window).collect::<Vec<_>>(),
        },
        "api_calls_saved": journey.saved(),
        "warnings": journey.warnings,
    });
    if let Some(consensus) = &journey.consensus {
        info["consensus"] = in_json(consensus);
    }
    info
}

fn in_json(Consensus { providers, compared }: &Consensus) -> Value {
    let difference = |difference: &Difference| json!({ "timestamp": rfc3339(difference.open_time), "column": difference.column.name(), "values": difference.values });
    json!({
        "providers": [providers[0].as_ref(), providers[1].as_ref()],
        "bars": { "compared": compared.compared, "agreeing": compared.agreeing, "only_in": compared.only_in },
        "largest_difference": compared.largest,
        "differences": compared.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}
