//! The providers beside Binance and Yahoo: whatever is asked, the answer is the one that the provider would have given.

use crate::world::{DAY, HOUR, World};

/// Requests of settled windows: what is answered once is not asked for again.
const SETTLED: [&str; 47] = [
    "/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30",
    "/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-02-01/2023-03-31?sort=desc",
    "/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-02-01/2023-03-31?adjusted=false",
    "/polygon/v2/aggs/ticker/AAPL/range/5/minute/2024-01-10/2024-01-12?limit=50000",
    "/polygon/v2/aggs/ticker/AAPL/range/1/minute/1704898800000/1704902400000",
    "/polygon/v2/aggs/ticker/AAPL/range/1/week/2023-01-04/2023-06-20",
    "/polygon/v2/aggs/ticker/X:BTCUSD/range/1/hour/2024-01-03/2024-01-05?limit=50000",
    "/polygon/v2/aggs/ticker/ZZZ/range/1/day/2024-01-03/2024-01-20",
    "/polygon/v2/aggs/ticker/AAPL/range/1/day/2024-01-06/2024-01-07",
    "/alpaca/v2/stocks/bars?symbols=AAPL,MSFT&timeframe=1Day&start=2023-01-02&end=2023-06-30",
    "/alpaca/v2/stocks/bars?symbols=MSFT,AAPL&timeframe=1D&start=2023-02-05&end=2023-03-24&limit=20&sort=desc",
    "/alpaca/v2/stocks/AAPL/bars?timeframe=1Day&start=2023-02-02T00:00:00Z&end=2023-03-12T00:00:00Z",
    "/alpaca/v2/stocks/AAPL/bars?timeframe=1Min&start=2024-01-02T15:00:00Z&end=2024-01-02T18:00:00Z&feed=iex",
    "/alpaca/v2/stocks/AAPL/bars?timeframe=1Week&start=2023-01-03&end=2023-04-12",
    "/alpaca/v2/stocks/AAPL/bars?timeframe=1Day&start=2024-01-06&end=2024-01-07",
    "/alpaca/v1beta3/crypto/us/bars?symbols=BTC/USD,ETH/USD&timeframe=1H&start=2024-01-02&end=2024-01-03",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-03&endDate=2023-06-30",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-02-08&endDate=2023-03-12&sort=-date",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-04&endDate=2023-06-10&resampleFreq=weekly",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2013-01-13&endDate=2023-05-10&resampleFreq=monthly",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2013-01-13&endDate=2022-05-10&resampleFreq=annually",
    "/tiingo/tiingo/daily/AAPL/prices?startDate=2024-01-06&endDate=2024-01-07",
    "/tiingo/iex/AAPL/prices?startDate=2024-01-03&endDate=2024-01-05&resampleFreq=30Min",
    "/tiingo/iex/AAPL/prices?startDate=2024-01-03&endDate=2024-01-05&resampleFreq=5min&columns=open,high,low,close,volume",
    "/tiingo/tiingo/crypto/prices?tickers=btcusd,ethusd&startDate=2024-01-03&endDate=2024-01-05&resampleFreq=1hour",
    "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1672617600&to=1688083200",
    "/finnhub/api/v1//stock/candle?symbol=AAPL&resolution=W&from=1672617600&to=1688083200",
    "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=60&from=1704205800&to=1704240000",
    "/finnhub/api/v1/crypto/candle?symbol=BINANCE:BTCUSDT&resolution=60&from=1704205800&to=1704240000",
    "/finnhub/api/v1/forex/candle?symbol=OANDA:EUR_USD&resolution=D&from=1672617600&to=1688083200",
    "/finnhub/api/v1/stock/candle?symbol=ZZZ&resolution=D&from=1672617600&to=1688083200",
    "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2023-01-02&end_date=2023-06-28",
    "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2023-02-12&end_date=2023-03-28&order=asc&outputsize=10",
    "/twelvedata/time_series?symbol=AAPL&interval=5min&start_date=2024-01-09%2009:30:00&end_date=2024-01-09%2016:00:00",
    "/twelvedata/time_series?symbol=AAPL&interval=5min&start_date=2024-01-09T10:30:00&end_date=2024-01-10T02:00:00&timezone=Asia/Tokyo",
    "/twelvedata/time_series?symbol=AAPL&interval=1h&start_date=2023-12-01&end_date=2024-01-20&format=CSV&delimiter=,",
    "/twelvedata/time_series?symbol=EUR/USD&interval=1h&start_date=2024-01-01&end_date=2024-01-08",
    "/twelvedata/time_series?symbol=AAPL,MSFT,EUR/USD&interval=1day&start_date=2023-02-12&end_date=2023-03-28",
    "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2024-01-06&end_date=2024-01-07",
    "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2023-02-12&end_date=2023-03-28&adjust=none&dp=2",
    "/twelvedata/time_series?symbol=AAPL&interval=1min&date=2024-01-09",
    "/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2024-01&outputsize=full&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2024-01&apikey=k&datatype=csv",
    "/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=60min&month=2023-11&adjusted=false&apikey=k",
    "/coingecko/api/v3/coins/bitcoin/market_chart/range?vs_currency=usd&from=1699000000&to=1701000000",
    "/coingecko/api/v3/coins/bitcoin/market_chart/range?vs_currency=usd&from=1685000000&to=1704000000",
    "/coingecko/api/v3/coins/bitcoin/market_chart/range?vs_currency=eur&from=1699000000&to=1699030000&precision=2",
];

/// Requests that reach up to now, in the providers' own words for it.
const NEWEST: [&str; 22] = [
    "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k&outputsize=full",
    "/alphavantage/query?function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_WEEKLY&symbol=IBM&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_WEEKLY_ADJUSTED&symbol=IBM&apikey=k&datatype=csv",
    "/alphavantage/query?function=TIME_SERIES_MONTHLY&symbol=IBM&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_MONTHLY_ADJUSTED&symbol=IBM&apikey=k",
    "/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=15min&apikey=k",
    "/alphavantage/query?function=FX_DAILY&from_symbol=EUR&to_symbol=USD&apikey=k",
    "/alphavantage/query?function=FX_MONTHLY&from_symbol=EUR&to_symbol=USD&apikey=k",
    "/alphavantage/query?function=FX_INTRADAY&from_symbol=EUR&to_symbol=USD&interval=5min&apikey=k",
    "/alphavantage/query?function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR&apikey=k",
    "/alphavantage/query?function=CRYPTO_INTRADAY&symbol=ETH&market=USD&interval=5min&apikey=k",
    "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=30",
    "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=1",
    "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=365",
    "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=30&interval=daily",
    "/coingecko/api/v3/coins/bitcoin/ohlc?vs_currency=usd&days=30",
    "/twelvedata/time_series?symbol=AAPL&interval=1day",
    "/twelvedata/time_series?symbol=AAPL&interval=5min&outputsize=50",
    "/polygon/v2/aggs/ticker/AAPL/range/1/day/2024-01-02/2024-03-28",
    "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1704067200&to=1711929600",
];

#[tokio::test(flavor = "multi_thread")]
async fn settled_windows_are_the_providers_own_answers_and_are_asked_for_once() {
    let world = World::new().await;
    for path in SETTLED {
        world.same(path).await;
    }
    let asked = world.calls();
    for path in SETTLED {
        let again = world.same(path).await;
        assert!(again.cache_status().starts_with("finex; hit"), "{path}: {}", again.cache_status());
    }
    // The simulator was asked straight too, once each time.
    assert_eq!(world.calls() - asked, SETTLED.len() as u64, "no call of the gateway's");
    world.settle().await;
    let folder = world.stop().await;
    let world = World::at(folder, crate::world::NOW, |_| {}).await;
    // Of a symbol without a single bar nothing is written down.
    let kept: Vec<&str> = SETTLED.into_iter().filter(|path| !path.contains("ZZZ")).collect();
    for path in &kept {
        world.same(path).await;
    }
    assert_eq!(world.calls(), kept.len() as u64, "nor after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_up_to_now_move_with_the_provider() {
    let world = World::new().await;
    // Night, early hours, session, evening, a weekend, the next month.
    for hours in [0, 3, 2, 5, 7, 100, 24, 500] {
        world.advance(hours * HOUR + 90_000);
        for path in NEWEST {
            world.same(path).await;
            let calls = world.calls();
            world.same(path).await;
            assert_eq!(world.calls() - calls, 1, "{path}: the second answer is held");
        }
    }
}

/// Ways to ask for a window of a provider, from days since 1970.
pub type Written = fn(i64, i64) -> String;
pub const WINDOWS: [(&str, Written); 9] = [
    ("polygon", |from, to| format!("/v2/aggs/ticker/NVDA/range/1/day/{}/{}", date(from), date(to))),
    ("alpaca", |from, to| {
        format!("/v2/stocks/bars?symbols=NVDA,IBM&timeframe=1Day&adjustment=all&start={}&end={}", date(from), date(to))
    }),
    ("tiingo", |from, to| format!("/tiingo/daily/NVDA/prices?startDate={}&endDate={}", date(from), date(to))),
    ("finnhub", |from, to| {
        format!("/api/v1/stock/candle?symbol=NVDA&resolution=D&from={}&to={}", from * 86_400, to * 86_400)
    }),
    ("twelvedata", |from, to| {
        format!("/time_series?symbol=NVDA&interval=1day&start_date={}&end_date={}", date(from), date(to))
    }),
    ("twelvedata", |from, to| {
        let from = from.max(to - 20);
        format!("/time_series?symbol=AAPL&interval=15min&start_date={}&end_date={}", date(from), date(to))
    }),
    ("alphavantage", |from, _| {
        format!(
            "/query?function=TIME_SERIES_INTRADAY&symbol=NVDA&interval=30min&month={}&outputsize=full&apikey=k",
            &date(from)[..7]
        )
    }),
    ("coingecko", |from, to| {
        let to = (to * 86_400 - 3_600).max(from * 86_400);
        format!("/api/v3/coins/ethereum/market_chart/range?vs_currency=usd&from={}&to={to}", from * 86_400 + 7_200)
    }),
    ("polygon", |from, to| {
        let from = from.max(to - 9);
        format!("/v2/aggs/ticker/MSFT/range/15/minute/{}/{}?limit=50000", date(from), date(to))
    }),
];

fn date(days: i64) -> String {
    jiff::Timestamp::from_millisecond(days * DAY).expect("a day").to_string()[..10].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn random_windows_while_time_passes_and_a_stock_is_split_are_answered_with_the_truth() {
    for seed in 0..4 {
        let world = World::new().await;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut draw = |range: std::ops::Range<i64>| random.i64(range);
        for step in 0..70 {
            let (provider, path) = WINDOWS[draw(0..WINDOWS.len() as i64) as usize];
            let today = world.now() / DAY;
            let from = today - draw(0..300);
            let to = (from + draw(0..60)).min(today + 2);
            let path = format!("/{provider}{}", path(from, to));
            println!("seed {seed}, step {step}: {path}");
            world.same(&path).await;
            match draw(0..12) {
                0..4 => world.advance(draw(2..400) * 60_000),
                4 => world.advance(draw(1..20) * DAY),
                5 if step > 30 => {
                    let ex = world.now() / DAY + 1;
                    let at =
                        jiff::Timestamp::from_millisecond(ex * DAY).expect("a day").to_zoned(jiff::tz::TimeZone::UTC);
                    world.sim.stocks().add_split("NVDA", (at.year(), at.month(), at.day()), 2, 1);
                }
                6 => world.settle().await,
                _ => {}
            }
        }
    }
}
