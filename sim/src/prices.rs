//! What the simulated market did: a pure function of symbol and time.

use finex_core::calendar::Grid;
use finex_core::time::Ts;

/// One bar, in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    pub open_time: Ts,
    pub close_time: Ts,
    pub open: i128,
    pub high: i128,
    pub low: i128,
    pub close: i128,
    pub volume: i128,
    pub trades: u64,
}

/// A listed symbol.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    pub symbol: &'static str,
    pub base: &'static str,
    pub quote: &'static str,
    pub since: Ts,
    /// Price around which it moves and volume of a minute, both in units of 10^-8.
    pub price: i128,
    pub volume: i128,
}

const UNIT: i128 = 100_000_000;

/// The days are those on which Binance listed them.
pub const LISTINGS: [Listing; 6] = [
    listing("BTCUSDT", "BTC", "USDT", 1_502_942_400_000, 42_000 * UNIT, 25 * UNIT),
    listing("ETHUSDT", "ETH", "USDT", 1_502_942_400_000, 2_300 * UNIT, 310 * UNIT),
    listing("BNBUSDT", "BNB", "USDT", 1_509_940_440_000, 310 * UNIT, 900 * UNIT),
    listing("ETHBTC", "ETH", "BTC", 1_500_004_800_000, 5_476_000, 120 * UNIT),
    listing("SOLUSDT", "SOL", "USDT", 1_597_125_600_000, 95 * UNIT, 4_000 * UNIT),
    listing("SHIBUSDT", "SHIB", "USDT", 1_620_644_400_000, 1_234, 98_765_432_109_876 * UNIT / 1_000),
];

const fn listing(
    symbol: &'static str,
    base: &'static str,
    quote: &'static str,
    since: Ts,
    price: i128,
    volume: i128,
) -> Listing {
    Listing { symbol, base, quote, since, price, volume }
}

pub fn find(symbol: &str) -> Option<Listing> {
    LISTINGS.into_iter().find(|listing| listing.symbol == symbol)
}

/// Times without trading, `[from, to)`: bars that open in them do not exist.
const HALTS: [(Ts, Ts); 3] = [
    (1_518_048_900_000, 1_518_168_495_000), // 2018-02-08 00:15 … 2018-02-09 09:28:15
    (1_619_323_260_000, 1_619_340_300_000), // 2021-04-25 04:01 … 08:45
    (1_703_980_800_000, 1_703_981_400_000), // 2023-12-31 00:00 … 00:10
];
/// The bar after the first halt opened when trading did, off the grid.
const ODD_OPEN: Ts = 1_518_168_495_000;

impl Listing {
    /// Price at an instant: slow waves and a little noise, never below a tenth of the base price.
    fn price_at(&self, ts: Ts) -> i128 {
        let wave = |period: f64, height: f64| (ts as f64 / period * std::f64::consts::TAU).sin() * height;
        let noise = (hash(self.symbol, ts.div_euclid(1_000)) % 2_001) as f64 / 1_000_000.0 - 0.001;
        let factor = 1.0 + wave(3.1e10, 0.30) + wave(2.7e9, 0.08) + wave(8.64e7, 0.02) + noise;
        self.price * (factor * 1_000_000.0) as i128 / 1_000_000
    }

    /// The bar that opens at `open`, as it stands at `now`.
    pub fn bar(&self, grid: Grid, open: Ts, now: Ts) -> Bar {
        let end = if open == ODD_OPEN { grid.open(grid.index(open) + 1) } else { grid.end_of(open) };
        let seen = end.min(now + 1).max(open + 1);
        let (first, last) = (self.price_at(open), self.price_at(seen - 1));
        let middle = self.price_at(open + (seen - open) / 2);
        let spread = |salt: i64| first * (hash(self.symbol, open ^ salt) % 900) as i128 / 1_000_000;
        let minutes = ((seen - open) as i128).max(1_000);
        let volume = self.volume * minutes / 60_000 * (500 + (hash(self.symbol, open ^ 77) % 1_000) as i128) / 1_000;
        Bar {
            open_time: open,
            close_time: end - 1,
            open: first,
            high: first.max(last).max(middle) + spread(1),
            low: first.min(last).min(middle) - spread(2),
            close: last,
            volume: volume + (hash(self.symbol, open) % 100_000_000) as i128,
            trades: 1 + hash(self.symbol, open ^ 5) % 5_000,
        }
    }

    /// Open times from the first at or after `from`, ascending, up to `now`.
    pub fn opens(&self, grid: Grid, from: Ts, now: Ts) -> impl Iterator<Item = Ts> {
        let start = grid.index(from.max(self.since));
        let since = self.since;
        (start..)
            .map(move |index| actual_open(grid, index, since))
            .take_while(move |open| open.unwrap_or(Ts::MIN) <= now)
            .flatten()
            .filter(move |open| *open >= from)
    }

    /// Open times from the last at or before `until`, descending.
    pub fn opens_back(&self, grid: Grid, until: Ts) -> impl Iterator<Item = Ts> {
        let (start, since) = (grid.index(until), self.since);
        let first = grid.index(self.since);
        (first..=start.max(first - 1))
            .rev()
            .filter_map(move |index| actual_open(grid, index, since))
            .filter(move |open| *open <= until)
    }
}

/// When period `index` opened, if it did.
fn actual_open(grid: Grid, index: i64, since: Ts) -> Option<Ts> {
    let (open, end) = (grid.open(index), grid.open(index + 1));
    if end <= since {
        return None;
    }
    let short = end - open <= 3_600_000;
    if end - open == 3_600_000 && (open..end).contains(&ODD_OPEN) {
        return Some(ODD_OPEN);
    }
    let halted = HALTS.iter().any(|(from, to)| *from <= open && end <= *to);
    (!(short && halted)).then_some(open)
}

/// A fixed hash, so that a price is the same in every run.
pub(crate) fn hash(symbol: &str, n: i64) -> u64 {
    let seed = symbol.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let mut z = seed ^ (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
