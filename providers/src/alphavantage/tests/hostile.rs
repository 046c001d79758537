//! Nothing that a client or the provider writes makes it panic, and labels come back.

use super::*;
use proptest::prelude::*;

const QUERIES: [(&str, &str); 5] = [
    (DAYS, "Time Series (Daily)"),
    (MINUTES, "Time Series (5min)"),
    ("function=TIME_SERIES_WEEKLY&symbol=IBM", "Weekly Time Series"),
    ("function=TIME_SERIES_MONTHLY&symbol=IBM&datatype=csv", "Monthly Time Series"),
    ("function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=USD", "Time Series (Digital Currency Daily)"),
];
const NAMES: [&str; 9] =
    ["symbol", "interval", "month", "outputsize", "datatype", "market", "adjusted", "extended_hours", "entitlement"];

fn text() -> impl Strategy<Value = String> {
    let edges = [
        "",
        "%",
        "%00",
        "é",
        "0",
        "full",
        "csv",
        "5min",
        "2024-03",
        "0000-01",
        "0001-01",
        "9999-12",
        "2024-03-08",
        "2024-03-10 02:30:00",
        "2024-11-03 01:30:00",
        "9998-12-31",
        "9999-12-31 23:59:59",
        "A/../B",
        "9223372036854775807",
        "\u{1F600}",
    ];
    prop_oneof![prop::sample::select(edges.to_vec()).prop_map(str::to_owned), any::<String>(), "[A-Za-z0-9:. -]{0,24}"]
}

fn follow(query: &str, body: &[u8]) {
    let Recognised::Series(ask) = recognised(query) else { return };
    let window = alpha().placed(&ask.series, ask.ask.window, &Envelope::default());
    for anchor in [Anchor::Start, Anchor::End, Anchor::Both] {
        let call = call_for(window, 100, anchor);
        let upstream = alpha().call(&ask.series, &call, ask.native.named, NOW);
        alpha().call(&ask.series, &call, Named::Ask, NOW);
        let Ok(said) = alpha().decode(&ask.series, &call, body) else { continue };
        alpha().spoken(&ask.series, &upstream, &said, NOW);
        answer(&ask, &said.bars, &said.envelope);
        let runs = alpha().encode(&ask.series, &said.bars, Shape(0));
        assert_eq!(alpha().reread(&ask.series, &runs), Ok(said.bars));
    }
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        (query, _) in prop::sample::select(QUERIES.to_vec()), name in prop::sample::select(NAMES.to_vec()),
        one in text(), other in text(), body in any::<String>(),
    ) {
        follow(&one, body.as_bytes());
        follow(&format!("{query}&{name}={one}"), body.as_bytes());
        follow(&format!("function={one}&symbol={other}"), b"{}");
        follow(&format!("function=TIME_SERIES_INTRADAY&symbol={one}&interval=1min&month={other}"), body.as_bytes());
        let _ = alpha().series(&one, "1d".parse().expect("an interval"));
    }

    #[test]
    fn no_answer_makes_it_panic(
        (query, key) in prop::sample::select(QUERIES.to_vec()), cut in 0usize..300, status in any::<u16>(),
        label in prop_oneof![text(), "[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]:00)?"],
        value in text(), bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (label, value) = (json::string(&label), json::string(&value));
        let body = format!(
            r#"{{"Meta Data":{{"3. Last Refreshed":{value},{value}:{value}}},"{key}":{{{label}:{{"1. open":{value},"2. high":"1","3. low":"1","4. close":"1","5. volume":"1"}}}}}}"#
        );
        follow(query, body.as_bytes());
        follow(query, &body.as_bytes()[..cut.min(body.len())]);
        follow(query, &bytes);
        let class = alpha().classify(status, "text/plain", &bytes).unwrap_or(ErrorClass::Up);
        let refusal = format!("{{\"Information\":{value}}}");
        alpha().classify(200, "application/json", refusal.as_bytes());
        alpha().error(&Failure { native: Some((status, refusal)), ..Failure::new(class, value) });
    }

    /// Labels come back, but in the hour of a night that the clock of New York shows twice.
    #[test]
    fn labels_come_back_through_nights_that_are_shorter_or_longer(
        fives in 2_524_608i64..6_311_520, night in prop::option::of((2007i64..2030, 0i64..360)),
    ) {
        // Around the Sundays on which the clock is changed, as often as anywhere.
        let ts = match night {
            Some((year, minute)) => at(&format!("{year}-11-01")) + (minute % 12) * DAY + minute * 300_000,
            None => fives * 300_000,
        };
        let ask = asked(MINUTES);
        let kept = alpha().encode(&ask.series, &bars(&ask.series, &[ts]), Shape(0));
        let read = alpha().reread(&ask.series, &kept).expect("bars").times[0];
        let zone = &alpha().eastern;
        let is_twice = stamp::local(ts, zone) == stamp::local(ts - 3_600_000, zone);
        prop_assert_eq!(read, ts - i64::from(is_twice) * 3_600_000);
    }

    /// A call within days brings what it is for: the month that is asked for reaches into the call's window.
    #[test]
    fn a_month_has_rows_that_were_missing(
        from in 946_684_800i64..1_700_000_000, hours in 1i64..2_000,
        anchor in prop::sample::select(vec![Anchor::Start, Anchor::End]),
    ) {
        let window = Window::new(from * 1_000, from * 1_000 + hours * 3_600_000);
        let ask = asked(MINUTES);
        let upstream = alpha().call(&ask.series, &call_for(window, 5_000, anchor), Named::Ask, NOW);
        let spoken = alpha().spoken(&ask.series, &upstream, &Decoded::default(), NOW).expect("a window");
        let edge = if anchor == Anchor::End { window.to - 1 } else { window.from };
        prop_assert!(spoken.contains(edge), "{:?} {:?}", upstream, window);
        // Read again, it is the month of a client.
        prop_assert_eq!(asked(&upstream.query).series, ask.series);
    }
}
