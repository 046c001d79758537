//! Nothing that a client or the provider writes makes it panic, and labels come back.

use super::*;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let edges = [
        "",
        "%",
        "%00",
        "é",
        "0",
        "-1",
        "5000",
        "1e9",
        "2024-03-08T",
        "2024-02-30",
        "9999-12-31",
        "0000-01-01",
        "0001-01-01",
        "2024-03-10 02:30:00",
        "2024-11-03T01:30:00",
        "2024-03-08 10:00:00+9999",
        "today",
        "A,B",
        "A/../B",
        ",,",
        "UTC",
        "America/New_York",
        "America/",
        "9223372036854775807",
        "1min",
        "csv",
        "asc",
        "\u{1F600}",
    ];
    prop_oneof![prop::sample::select(edges.to_vec()).prop_map(str::to_owned), any::<String>(), "[A-Za-z0-9:/ -]{0,24}"]
}

fn follow(query: &str, body: &[u8]) {
    let asks: Vec<NativeAsk> = match recognised(query) {
        Recognised::Series(ask) => vec![ask],
        Recognised::Batch(batch) => batch.members.into_iter().filter_map(|(_, ask)| ask.ok()).collect(),
        _ => return,
    };
    for ask in asks.iter().take(3) {
        let seen = sight("America/New_York");
        let window = twelve().placed(&ask.series, ask.ask.window, &seen);
        let call = call_for(window);
        twelve().call(&ask.series, &call, ask.native.named, 0);
        let _ = twelve().part(&ask.series, &call, body);
        if let Ok(said) = twelve().decode(&ask.series, &call, body) {
            answer(ask, &said.bars, &said.envelope);
            let runs = twelve().encode(&ask.series, &said.bars, Shape(0));
            assert_eq!(twelve().reread(&ask.series, &runs), Ok(said.bars));
        }
    }
}

const NAMES: [&str; 12] = [
    "symbol",
    "interval",
    "outputsize",
    "start_date",
    "end_date",
    "date",
    "order",
    "timezone",
    "format",
    "delimiter",
    "dp",
    "x",
];

const ZONES: [&str; 6] =
    ["America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"];
const SERIES: [(&str, &str); 4] = [("AAPL", "1m"), ("EUR/USD", "1h"), ("AAPL", "1d"), ("AAPL", "1mo")];

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        name in prop::sample::select(NAMES.to_vec()), one in text(), other in text(), body in any::<String>(),
    ) {
        follow(&one, body.as_bytes());
        follow(&format!("symbol={one}&interval=1min&{name}={other}"), body.as_bytes());
        follow(&format!("symbol=AAPL&interval=1day&{name}={one}&end_date={other}"), body.as_bytes());
        let monrovia = "symbol=AAPL&interval=1h&timezone=Africa/Monrovia&format=csv";
        follow(&format!("{monrovia}&start_date={one}&{name}={other}"), b"{}");
        let _ = twelve().series(&one, "1d".parse().expect("an interval"));
    }

    #[test]
    fn no_answer_makes_it_panic(
        stamp in prop_oneof![text(), "[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]:00)?"],
        value in prop_oneof![text(), any::<f64>().prop_map(|n| n.to_string())],
        zone in text(), cut in 0usize..300, status in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let quoted = |text: &str| crate::json::string(text);
        let (stamp, value, zone) = (quoted(&stamp), quoted(&value), quoted(&zone));
        let body = format!(
            r#"{{"meta":{{"symbol":{value},"exchange_timezone":{zone},"currency":{value}}},"values":[{{"datetime":{stamp},"open":{value},"high":"1","low":"1","close":"1"}}],"status":"ok"}}"#
        );
        for query in ["symbol=A/B&interval=1min", "symbol=A&interval=1month&format=csv", "symbol=A,B&interval=1day"] {
            follow(query, body.as_bytes());
            follow(query, &body.as_bytes()[..cut.min(body.len())]);
            follow(query, &bytes);
        }
        let class = twelve().classify(status, "text/plain", &bytes).unwrap_or(ErrorClass::Up);
        let refusal = format!(r#"{{"code":{},"message":{value},"status":"error"}}"#, status);
        twelve().classify(200, "application/json", refusal.as_bytes());
        twelve().error(&Failure { native: Some((status, refusal)), ..Failure::new(class, value) });
    }

    /// Labels of any clock are those of the bars, but in the hour that a clock shows twice.
    #[test]
    fn labels_come_back_on_every_clock(
        minutes in 20_000_000i64..30_000_000,
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let ts = minutes * 60_000;
        let ask = asked(&format!("symbol=AAPL&interval=1min&timezone={name}"));
        let (body, _) = answer(&ask, &bars(&[ts]), &Envelope::default());
        let zone = stamp::zone(name).expect("a zone");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let label = body["values"][0]["datetime"].as_str().expect("a label");
        let read = stamp::read(label, Unit::DateTime, &zone).expect("an instant");
        let shows = |ts: Ts| stamp::local(ts, &zone);
        let is_twice = [HOUR, HOUR / 2].into_iter().any(|before| shows(ts - before) == shows(ts));
        prop_assert!(read == ts || (is_twice && read < ts && ts - read <= HOUR), "{} {}", label, ts);
        // Asked for by its own label it lies in the window, or the provider tells which of two nights' hours is meant.
        let own = recognised(&format!("symbol=AAPL&interval=1min&timezone={name}&start_date={label}&end_date={label}"));
        match own {
            Recognised::Series(own) => prop_assert!(own.ask.window.contains(read)),
            _ => prop_assert!(stamp::jumps(shows(ts), &zone)),
        }
        let local = Window::new(shows(ts), shows(ts) + 1);
        prop_assert!(twelve().placed(&ask.series, local, &sight(name)).contains(read));
    }

    /// What finex asks for is, read again, the window of the call.
    #[test]
    fn a_planned_call_asks_for_its_window(
        from in 1_000_000i64..1_700_000, hours in 1i64..5_000,
        (symbol, name) in prop::sample::select(SERIES.to_vec()),
    ) {
        let series = series(symbol, name);
        let window = Window::new(from * 1_000_000, from * 1_000_000 + hours * HOUR);
        let call = twelve().call(&series, &call_for(window), Named::Ask, 0);
        let own = asked(&call.query);
        prop_assert_eq!(own.series.as_ref(), &series);
        prop_assert_eq!((own.native.named, own.ask.take), (Named::Ask, Take::Last(5_000)));
        let unit = if is_intraday(series.interval) { 1_000 } else { DAY };
        let opens = Window::new(window.from.div_euclid(unit) * unit, (window.to - 1).div_euclid(unit) * unit + 1);
        prop_assert_eq!(own.ask.window, opens);
    }
}
