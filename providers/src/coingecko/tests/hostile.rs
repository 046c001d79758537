//! Nothing that a client or the provider writes makes it panic.

use super::*;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let edges = [
        "",
        "%",
        "%00",
        "é",
        "0",
        "1",
        "-1",
        "1e308",
        "-1e308",
        "NaN",
        "inf",
        "-0",
        "max",
        "36500",
        "99999999999",
        "-99999999999",
        "9223372036854775807",
        "1709932200",
        "1709932199.999",
        "daily",
        "hourly",
        "full",
        "a/contract/b",
        "..",
        "\u{1F600}",
    ];
    prop_oneof![prop::sample::select(edges.to_vec()).prop_map(str::to_owned), any::<String>(), "[a-z0-9./-]{0,24}"]
}

fn follow(url: &str, body: &[u8]) {
    let Recognised::Series(ask) = recognised(url) else { return };
    let call = call_for(ask.ask.window);
    let upstream = gecko().call(&ask.series, &call, ask.native.named, NOW);
    gecko().limits(&ask.series, 1 << 20, 9);
    if let Ok(said) = gecko().decode(&ask.series, &call, body) {
        gecko().spoken(&ask.series, &upstream, &said, NOW);
        answer(&ask.series, &said.bars);
        let runs = gecko().encode(&ask.series, &said.bars, Shape(0));
        assert_eq!(gecko().reread(&ask.series, &runs).map(|bars| bars.times), Ok(said.bars.times));
    }
}

fn instants() -> impl Strategy<Value = i64> {
    let edges = vec![0, -1, i64::MAX, i64::MIN, 9_999_999_999, 10_000_000_000, 99_999_999_999_999, 100_000_000_000_000];
    prop_oneof![prop::sample::select(edges), any::<i64>(), 1_700_000_000_000i64..1_700_000_100_000]
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        kind in prop::sample::select(vec!["market_chart", "market_chart/range", "ohlc"]),
        name in prop::sample::select(vec!["vs_currency", "days", "interval", "precision", "from", "to", "x"]),
        one in text(), other in text(), body in any::<String>(),
    ) {
        follow(&one, body.as_bytes());
        follow(&format!("{one}/{kind}?vs_currency=usd&days={other}"), body.as_bytes());
        follow(&format!("bitcoin/{kind}?vs_currency=usd&{name}={one}"), body.as_bytes());
        follow(&format!("bitcoin/market_chart/range?vs_currency=usd&from={one}&to={other}"), body.as_bytes());
        follow(&format!("bitcoin/{kind}?vs_currency=usd&days={one}&interval={other}"), body.as_bytes());
        let _ = gecko().series(&one, "1d".parse().expect("an interval"));
    }

    #[test]
    fn no_answer_makes_it_panic(
        times in prop::collection::vec(instants(), 0..4), value in text(), cut in 0usize..300,
        status in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let candles: Vec<String> = times.iter().map(|ts| format!("[{ts},1,2,0.5,null]")).collect();
        for body in [chart(&times), chart(&times).replacen("0.5", &value, 1), format!("[{}]", candles.join(","))] {
            for url in [days("1"), days("max"), "bitcoin/ohlc?vs_currency=usd&days=90".into()] {
                follow(&url, body.as_bytes());
                follow(&url, body.as_bytes().get(..cut).unwrap_or_default());
                follow(&url, &bytes);
            }
        }
        let class = gecko().classify(status, "text/plain", &bytes).unwrap_or(ErrorClass::Up);
        let words = json::string(&value);
        for refusal in [
            format!("{{\"error\":{words},\"status\":{status}}}"),
            format!("{{\"error\":{{\"status\":{{\"error_code\":{status},\"error_message\":{words}}}}}}}"),
            format!("{{\"status\":{{\"error_code\":{words}}}}}"),
        ] {
            gecko().classify(status, "application/json", refusal.as_bytes());
            gecko().error(&Failure { native: Some((status, refusal)), ..Failure::new(class, value.clone()) });
        }
    }

    /// Samples in any order of time, with a last one of now, come back as they were.
    #[test]
    fn samples_come_back(
        times in prop::collection::btree_set(1_600_000_000_000i64..1_700_000_000_000, 1..20), back in -5_000i64..5_000,
    ) {
        let last = times.last().copied().unwrap_or_default();
        let body = chart(&times.iter().copied().chain([last - back]).collect::<Vec<_>>());
        let said = decoded(&series("5m"), &body);
        prop_assert!(said.bars.times.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(answer(&series("5m"), &said.bars), body);
    }
}
