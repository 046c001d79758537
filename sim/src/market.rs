//! What is listed, and when it trades.

use crate::holidays;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

/// On which days a market opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    All,
    NewYork,
    Elsewhere,
}

/// A listed symbol. Hours are minutes of the local day.
#[derive(Debug)]
pub(crate) struct Listing {
    pub symbol: &'static str,
    pub long_name: &'static str,
    pub short_name: &'static str,
    pub exchange: &'static str,
    pub full_exchange: &'static str,
    pub kind: &'static str,
    pub currency: &'static str,
    pub zone: &'static str,
    pub days: Days,
    pub hours: (i16, i16),
    /// Opening of the early and end of the late session.
    pub extended: Option<(i16, i16)>,
    pub first_trade: i64,
    /// Price around which it moves, by about how much of it, and the volume of a day.
    pub price: f64,
    pub swing: f64,
    pub volume: f64,
    pub hint: usize,
    /// Some of its slots have no values.
    pub gappy: bool,
}

const NEW_YORK: Listing = Listing {
    symbol: "",
    long_name: "",
    short_name: "",
    exchange: "NMS",
    full_exchange: "NasdaqGS",
    kind: "EQUITY",
    currency: "USD",
    zone: "America/New_York",
    days: Days::NewYork,
    hours: (570, 960),
    extended: Some((240, 1_200)),
    first_trade: 0,
    price: 100.0,
    swing: 1.0,
    volume: 40e6,
    hint: 2,
    gappy: false,
};

const ELSEWHERE: Listing = Listing { days: Days::Elsewhere, extended: None, volume: 9e6, ..NEW_YORK };

pub(crate) static LISTINGS: [Listing; 13] = [
    Listing {
        symbol: "AAPL",
        long_name: "Apple Inc.",
        short_name: "Apple Inc.",
        first_trade: 345_479_400,
        price: 190.0,
        volume: 55e6,
        ..NEW_YORK
    },
    Listing {
        symbol: "MSFT",
        long_name: "Microsoft Corporation",
        short_name: "Microsoft Corporation",
        first_trade: 511_108_200,
        price: 410.0,
        volume: 22e6,
        ..NEW_YORK
    },
    Listing {
        symbol: "NVDA",
        long_name: "NVIDIA Corporation",
        short_name: "NVIDIA Corporation",
        first_trade: 917_015_400,
        price: 125.0,
        volume: 230e6,
        ..NEW_YORK
    },
    Listing {
        symbol: "IBM",
        long_name: "International Business Machines Corporation",
        short_name: "International Business Machines",
        exchange: "NYQ",
        full_exchange: "NYSE",
        first_trade: -252_322_200,
        price: 180.0,
        volume: 4e6,
        ..NEW_YORK
    },
    Listing {
        symbol: "TSLA",
        long_name: "Tesla, Inc.",
        short_name: "Tesla, Inc.",
        first_trade: 1_277_818_200,
        price: 240.0,
        volume: 95e6,
        ..NEW_YORK
    },
    Listing {
        symbol: "^GSPC",
        long_name: "S&P 500",
        short_name: "S&P 500",
        exchange: "SNP",
        full_exchange: "SNP",
        kind: "INDEX",
        extended: None,
        first_trade: -1_325_583_000,
        price: 5_100.0,
        swing: 0.5,
        volume: 4e9,
        ..NEW_YORK
    },
    Listing {
        symbol: "VOD.L",
        long_name: "Vodafone Group Public Limited Company",
        short_name: "VODAFONE GROUP PLC ORD USD0.20",
        exchange: "LSE",
        full_exchange: "LSE",
        currency: "GBp",
        zone: "Europe/London",
        hours: (480, 990),
        first_trade: 583_743_600,
        price: 72.0,
        ..ELSEWHERE
    },
    Listing {
        symbol: "SAP.DE",
        long_name: "SAP SE",
        short_name: "SAP SE",
        exchange: "GER",
        full_exchange: "XETRA",
        currency: "EUR",
        zone: "Europe/Berlin",
        hours: (540, 1_050),
        first_trade: 760_089_600,
        price: 175.0,
        ..ELSEWHERE
    },
    Listing {
        symbol: "7203.T",
        long_name: "Toyota Motor Corporation",
        short_name: "TOYOTA MOTOR CORP",
        exchange: "JPX",
        full_exchange: "Tokyo",
        currency: "JPY",
        zone: "Asia/Tokyo",
        hours: (540, 900),
        first_trade: 925_948_800,
        price: 3_400.0,
        ..ELSEWHERE
    },
    Listing {
        symbol: "CBA.AX",
        long_name: "Commonwealth Bank of Australia",
        short_name: "CWLTH BANK FPO [CBA]",
        exchange: "ASX",
        full_exchange: "ASX",
        currency: "AUD",
        zone: "Australia/Sydney",
        hours: (600, 960),
        first_trade: 684_633_600,
        price: 118.0,
        ..ELSEWHERE
    },
    Listing {
        symbol: "BTC-USD",
        long_name: "Bitcoin USD",
        short_name: "Bitcoin USD",
        exchange: "CCC",
        full_exchange: "CCC",
        kind: "CRYPTOCURRENCY",
        zone: "UTC",
        days: Days::All,
        hours: (0, 1_440),
        first_trade: 1_410_912_000,
        price: 42_000.0,
        volume: 27e9,
        ..ELSEWHERE
    },
    Listing {
        symbol: "EURUSD=X",
        long_name: "EUR/USD",
        short_name: "EUR/USD",
        exchange: "CCY",
        full_exchange: "CCY",
        kind: "CURRENCY",
        zone: "Europe/London",
        hours: (0, 1_440),
        first_trade: 1_070_236_800,
        price: 1.0864,
        swing: 0.2,
        volume: 0.0,
        hint: 4,
        ..ELSEWHERE
    },
    Listing {
        symbol: "ES=F",
        long_name: "E-Mini S&P 500",
        short_name: "E-Mini S&P 500",
        exchange: "CME",
        full_exchange: "CME",
        kind: "FUTURE",
        hours: (0, 1_440),
        first_trade: 969_249_600,
        price: 5_120.0,
        swing: 0.5,
        volume: 1.6e6,
        gappy: true,
        ..ELSEWHERE
    },
];

/// One day of trading. Without extended hours `pre` is `open` and `post` is `close`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub date: Date,
    pub pre: i64,
    pub open: i64,
    pub close: i64,
    pub post: i64,
}

/// A listing with its zone at hand. All its instants are seconds.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    pub listing: &'static Listing,
    zone: TimeZone,
}

impl Market {
    /// In whatever case. The zones are the ones compiled in: sessions must not depend on the machine.
    pub(crate) fn find(symbol: &str) -> Option<Market> {
        static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        let listing = LISTINGS.iter().find(|listing| listing.symbol.eq_ignore_ascii_case(symbol))?;
        let zone = ZONES.get(listing.zone).ok()?;
        Some(Market { listing, zone })
    }

    pub(crate) fn local(&self, ts: i64) -> DateTime {
        self.zone.to_datetime(timestamp(ts))
    }

    pub(crate) fn date(&self, ts: i64) -> Date {
        self.local(ts).date()
    }

    pub(crate) fn at(&self, local: DateTime) -> i64 {
        self.zone.to_timestamp(local).map_or(0, |ts| ts.as_second())
    }

    pub(crate) fn midnight(&self, date: Date) -> i64 {
        self.at(date.at(0, 0, 0, 0))
    }

    /// Seconds east of Greenwich and what the zone is called then.
    pub(crate) fn offset(&self, ts: i64) -> (i32, String) {
        let info = self.zone.to_offset_info(timestamp(ts));
        (info.offset().seconds(), info.abbreviation().to_owned())
    }

    pub(crate) fn session(&self, date: Date) -> Option<Session> {
        let listing = self.listing;
        let half = match listing.days {
            Days::All => false,
            Days::NewYork => holidays::new_york(date)?,
            Days::Elsewhere => holidays::elsewhere(date)?,
        };
        let at = |minute: i16| match minute {
            1_440 => self.midnight(date.tomorrow().unwrap_or(date)),
            _ => self.at(date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0)),
        };
        let (open, close) = (at(listing.hours.0), at(if half { 780 } else { listing.hours.1 }));
        let (pre, post) = match listing.extended {
            Some((from, _)) if half => (at(from), at(1_020)),
            Some((from, to)) => (at(from), at(to)),
            None => (open, close),
        };
        (open >= listing.first_trade).then_some(Session { date, pre, open, close, post })
    }

    pub(crate) fn sessions(&self, from: Date, to: Date) -> impl Iterator<Item = Session> {
        let from = from.max(self.date(self.listing.first_trade));
        from.series(jiff::Span::new().days(1)).take_while(move |date| *date <= to).filter_map(|date| self.session(date))
    }

    /// The last session on a day before `date`.
    pub(crate) fn before(&self, date: Date) -> Option<Session> {
        date.series(jiff::Span::new().days(-1)).skip(1).take(12).find_map(|date| self.session(date))
    }

    /// The first session on `date` or after it.
    pub(crate) fn on_or_after(&self, date: Date) -> Option<Session> {
        date.series(jiff::Span::new().days(1)).take(12).find_map(|date| self.session(date))
    }

    /// The newest session that has opened by `now`.
    pub(crate) fn newest(&self, now: i64) -> Option<Session> {
        let today = self.date(now);
        self.session(today).filter(|session| session.open <= now).or_else(|| self.before(today))
    }
}

fn timestamp(ts: i64) -> Timestamp {
    Timestamp::from_second(ts.clamp(-60_000_000_000, 250_000_000_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_listing_opens_when_it_first_traded() {
        for listing in &LISTINGS {
            let market = Market::find(&listing.symbol.to_lowercase()).expect("listed");
            let first = market.session(market.date(listing.first_trade)).expect(listing.symbol);
            assert_eq!(first.open, listing.first_trade, "{}", listing.symbol);
        }
    }

    #[test]
    fn daylight_saving_shifts_opens() {
        let market = Market::find("AAPL").expect("listed");
        let open = |y, m, d| market.session(date(y, m, d)).expect("a session").open;
        assert_eq!(open(2024, 3, 8), 1_709_908_200);
        assert_eq!(open(2024, 3, 11) - open(2024, 3, 8), 3 * 86_400 - 3_600);
        assert_eq!(open(2024, 11, 4) - open(2024, 11, 1), 3 * 86_400 + 3_600);
    }

    #[test]
    fn holidays_and_half_days() {
        let market = Market::find("AAPL").expect("listed");
        assert!(market.session(date(2025, 1, 9)).is_none());
        assert!(market.session(date(2026, 7, 3)).is_none());
        let half = market.session(date(2024, 11, 29)).expect("a session");
        assert_eq!((half.close - half.open, half.post - half.close), (12_600, 14_400));
        assert!(Market::find("VOD.L").expect("listed").session(date(2024, 7, 4)).is_some());
    }
}
