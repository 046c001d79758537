use super::*;
use jiff::civil::{Weekday, date};

const LATER: i64 = 4_000_000_000;

fn apple() -> Instrument {
    Instrument::stock(&Stocks::default(), "AAPL").expect("listed")
}

#[test]
fn base64_as_others_write_it() {
    let token = "BYND|M|2020-12-01T16:26:00.000000000Z";
    assert_eq!(base64::encode("META|D|"), "TUVUQXxEfA==");
    for text in ["", "a", "ab", "abc", token] {
        assert_eq!(base64::decode(&base64::encode(text)).as_deref(), Some(text));
    }
    assert_eq!(base64::decode("TUVUQXxEfA").as_deref(), Some("META|D|"));
    assert_eq!(base64::decode("%"), None);
}

#[test]
fn factors_of_all_rows_are_those_of_each() {
    let stock = Stocks::default().find("NVDA").expect("listed");
    let until = date(2024, 8, 1);
    let adjustment = Adjustment::new(&stock, until);
    for day in [date(2010, 1, 4), date(2021, 7, 19), date(2021, 7, 20), date(2024, 6, 7), until] {
        assert_eq!(adjustment.splits(day), stock.split_factor(day, until), "{day}");
        let (one, all) = (stock.dividend_factor(day, until), adjustment.dividends(day));
        assert!((one - all).abs() < 1e-12, "{day}: {one} {all}");
    }
}

#[test]
fn a_day_is_cut_from_midnight_on_and_back_again() {
    let (apple, day) = (apple(), date(2024, 2, 1));
    let (from, to) = (apple.midnight(day), apple.midnight(day) + DAY - 1);
    let cut = Cut { width: 60, extended: true, from, to, newest_first: false };
    let minutes: Vec<Bar> = apple.intraday(cut, LATER).collect();
    let mut back: Vec<Bar> = apple.intraday(Cut { newest_first: true, ..cut }, LATER).collect();
    back.reverse();
    assert_eq!(minutes, back);
    assert!((500..700).contains(&minutes.len()), "{}", minutes.len());
    let hours: Vec<Bar> = apple.intraday(Cut { width: 3_600, ..cut }, LATER).collect();
    assert_eq!(hours.len(), 16);
    assert_eq!(hours[0].at, from + 4 * 3_600);
    assert_eq!(hours.iter().map(|hour| hour.parts).sum::<usize>(), minutes.len());
    let regular: Vec<Bar> = apple.intraday(Cut { width: 3_600, extended: false, ..cut }, LATER).collect();
    assert_eq!((regular.len(), regular[0].at), (7, from + 9 * 3_600));
}

#[test]
fn currencies_rest_at_the_weekend() {
    let euro = Instrument::currency("EURUSD").expect("quoted");
    let days: Vec<Date> =
        euro.days(date(2024, 2, 1), date(2024, 2, 7), LATER).into_iter().map(|bar| bar.date).collect();
    assert_eq!(days, [1, 2, 4, 5, 6, 7].map(|day| date(2024, 2, day)));
    let from = utc_midnight(date(2024, 2, 2));
    let cut = Cut { width: 3_600, extended: true, from, to: from + 3 * DAY - 1, newest_first: false };
    let hours: Vec<i64> = euro.intraday(cut, LATER).map(|bar| (bar.at - from) / 3_600).collect();
    assert_eq!(hours, (0..22).chain(70..72).collect::<Vec<i64>>());
}

#[test]
fn days_make_weeks_and_months() {
    let days = apple().days(date(2024, 1, 1), date(2024, 3, 31), LATER);
    let weeks = group(&days, Unit::Week(Weekday::Monday), 1, date(2024, 1, 1));
    assert_eq!((weeks.len(), weeks[2].0, weeks[2].1.parts), (13, date(2024, 1, 15), 4));
    let months = group(&days, Unit::Months(1), 1, date(2024, 1, 1));
    assert_eq!(months.iter().map(|(_, bar)| bar.parts).collect::<Vec<_>>(), [21, 20, 20]);
    assert_eq!(Unit::Months(3).floor(date(2024, 6, 30)), date(2024, 4, 1));
    assert_eq!(months[0].1.open, days[0].open);
}

#[test]
fn a_bar_that_is_over_stays_as_it_is() {
    let apple = apple();
    let day = date(2024, 2, 1);
    let close = apple.midnight(day) + 16 * 3_600;
    let at = |now: i64| apple.days(day, day, now);
    assert_eq!(at(close), at(LATER));
    assert_ne!(at(close - 600), at(LATER));
    assert!(at(apple.midnight(day) + 9 * 3_600).is_empty());
}
