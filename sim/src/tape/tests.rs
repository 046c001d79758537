use super::*;
use crate::stocks::Stocks;
use jiff::civil::date;

const NOW: i64 = 1_709_136_000; // 2024-02-28 11:00 in New York

fn apple() -> Instrument {
    Instrument::Stock(Box::new(Stocks::default().find("AAPL").expect("listed")))
}

fn raw(_: Date) -> Scale {
    Scale::AS_TRADED
}

#[test]
fn a_week_is_its_days_together() {
    let apple = apple();
    let week = apple.slots(Period::Week, false, NOW).nth(1).expect("a week");
    assert_eq!((week.first, week.last), (date(2024, 2, 20), date(2024, 2, 23)));
    let days: Vec<Values> =
        apple.slots(Period::Day, false, NOW).skip(3).take(4).map(|day| apple.values(&day, NOW, &raw)).collect();
    let together = apple.values(&week, NOW, &raw);
    assert_eq!(together.open, days[3].open);
    assert_eq!(together.close, days[0].close);
    assert_eq!(together.volume, days.iter().map(|day| day.volume).sum::<f64>());
}

#[test]
fn slots_of_a_session_start_at_its_opening() {
    let apple = apple();
    let slots = |minutes, extended| -> Vec<String> {
        let slots = apple.slots(Period::Minutes(minutes), extended, NOW);
        slots.take(3).map(|slot| apple.local(slot.from).to_string()).collect()
    };
    assert_eq!(slots(240, false), ["2024-02-28T09:30:00", "2024-02-27T13:30:00", "2024-02-27T09:30:00"]);
    assert_eq!(slots(60, true), ["2024-02-28T11:00:00", "2024-02-28T10:00:00", "2024-02-28T09:00:00"]);
}

#[test]
fn currencies_rest_on_weekends_and_coins_do_not() {
    let count = |base, quote, period| {
        let pair = Instrument::Pair(Pair::find(base, quote).expect("known"));
        let week = pair.slots(period, false, NOW).take_while(|slot| slot.from > NOW - 7 * 86_400);
        week.count()
    };
    assert_eq!(count("EUR", "USD", Period::Day), 5);
    assert_eq!(count("BTC", "USD", Period::Day), 7);
    assert_eq!(count("BTC", "USD", Period::Minutes(60)), 7 * 24);
    assert_eq!(count("EUR", "USD", Period::Minutes(60)), 5 * 24);
}
