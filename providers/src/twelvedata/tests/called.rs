//! What is asked of Twelve Data, and which window a local one is.

use super::*;

fn query(series: &Series, window: Window) -> String {
    let upstream = twelve().call(series, &call_for(window), Named::Ask, 0);
    assert_eq!(upstream.path, PATH);
    upstream.query
}

#[test]
fn within_days_the_clock_is_that_of_utc_and_days_are_plain() {
    let window = between("2024-03-08T14:30:00Z", "2024-03-08T15:00:00Z");
    assert_eq!(
        query(&series("EUR/USD", "1m"), window),
        "symbol=EUR%2FUSD&interval=1min&start_date=2024%2D03%2D08%2014%3A30%3A00&end_date=2024%2D03%2D08%2014%3A59%3A59&outputsize=5000&timezone=UTC"
    );
    assert_eq!(
        query(&series("AAPL", "1d"), between("2024-03-04", "2024-03-09")),
        "symbol=AAPL&interval=1day&start_date=2024%2D03%2D04&end_date=2024%2D03%2D08&outputsize=5000"
    );
    assert!(!query(&series("AAPL", "1w"), window).contains("timezone"));
}

#[test]
fn the_newest_rows_without_a_beginning_are_asked_for_without_a_start() {
    let newest = Call { anchor: Anchor::End, limit: 5_000, ..call_for(Window::new(BEGINNING, at("2024-03-09"))) };
    let all = twelve().call(&series("AAPL", "1d"), &newest, Named::Ask, 0).query;
    assert_eq!(all, "symbol=AAPL&interval=1day&end_date=2024%2D03%2D08&outputsize=5000");
    let early = query(&series("AAPL", "1d"), between("1950-01-01", "2024-03-09"));
    assert!(early.contains("&start_date=1950%2D01%2D01&"), "{early}");
}

#[test]
fn what_changes_the_numbers_is_said_and_what_writes_them_is_not() {
    let ask = asked(
        "symbol=aapl&interval=1day&adjust=none&dp=5&exchange=NASDAQ&type=Common%20Stock&order=asc&format=CSV&outputsize=7",
    );
    let said = query(&ask.series, between("2024-03-04", "2024-03-09"));
    assert!(said.ends_with("&outputsize=5000&adjust=none&dp=5&exchange=nasdaq&type=common%20stock"), "{said}");
}

#[test]
fn symbols_of_one_window_are_one_request() {
    let (one, other, call) =
        (series("AAPL", "1d"), series("EUR/USD", "1d"), call_for(between("2024-03-04", "2024-03-09")));
    let together = twelve().together(&[(&one, &call), (&other, &call)]).expect("one request");
    assert!(together.query.starts_with("symbol=AAPL%2CEUR%2FUSD&interval=1day&"), "{}", together.query);
}

#[test]
fn a_local_window_is_placed_by_the_clock_of_the_exchange() {
    let local = between("2024-03-08T09:30:00Z", "2024-03-11T16:00:00Z");
    let placed = |symbol: &str, seen: &Envelope| twelve().placed(&series(symbol, "1m"), local, seen);
    // The clocks of New York go forward in between.
    let new_york = between("2024-03-08T14:30:00Z", "2024-03-11T20:00:00Z");
    assert_eq!(placed("AAPL", &sight("America/New_York")), new_york);
    assert_eq!(placed("AAPL", &Envelope::default()), new_york, "what is not known yet is taken for New York");
    assert_eq!(placed("EUR/USD", &Envelope::default()), local);
    assert_eq!(placed("7203", &sight("Asia/Tokyo")), between("2024-03-08T00:30:00Z", "2024-03-11T07:00:00Z"));
    assert_eq!(placed("AAPL", &sight("Nowhere/Land")), local);
    let open = twelve().placed(&series("AAPL", "1m"), Window::ALL, &sight("America/New_York"));
    assert!(open.from == BEGINNING && open.to >= END - 1, "{open:?}");
}

#[test]
fn a_call_holds_what_comes_at_once() {
    for interval in twelve().manifest.intervals.keys() {
        let limits = |symbol: &str| twelve().limits(&series(symbol, &interval.to_string()), 1 << 20, 9);
        let (stock, pair) = (limits("AAPL"), limits("EUR/USD"));
        assert!(stock.settle >= DAY && stock.bars(stock.page) <= 5_000, "{interval}");
        assert_eq!((pair.page, pair.density, pair.seam), (5_000, 1.0, 0), "{interval}");
        assert_eq!(stock.seam, SEAM, "{interval}");
    }
}

#[test]
fn history_is_rewritten_unless_it_is_raw() {
    let rewritten = |more: &str| {
        let series = asked(&format!("symbol=AAPL&interval=1day{more}")).series;
        (twelve().rewritten_by(&series).is_some(), twelve().limits(&series, 1 << 20, 9).seam)
    };
    assert_eq!(
        [rewritten(""), rewritten("&adjust=all"), rewritten("&adjust=None")],
        [(true, 3), (true, 3), (false, 0)]
    );
    assert_eq!(twelve().rewritten_by(&series("EUR/USD", "1d")), None);
}

#[test]
fn days_may_open_ahead_of_greenwich_and_minutes_do_not() {
    assert_eq!([twelve().ahead(&series("AAPL", "1d")), twelve().ahead(&series("AAPL", "8h"))], [14 * HOUR, 0]);
}
