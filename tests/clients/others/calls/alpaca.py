"""Alpaca: several symbols, whose bars come one symbol after the other, by pages."""

from datetime import date, datetime
from typing import Any

from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, CryptoLatestBarRequest, StockBarsRequest, StockLatestBarRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from others.asked import Call, calls, midnight

DAY, HOUR = TimeFrame.Day, TimeFrame.Hour
FIVE_MINUTES = TimeFrame(5, TimeFrameUnit.Minute)


def window(size: TimeFrame, start: str, end: str, symbols: Any = "AAPL", **more: Any) -> dict[str, Any]:
    start, end = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return dict(timeframe=size, start=start, end=end, symbol_or_symbols=symbols, **more)


WINDOWS = {
    "days": window(DAY, "2024-01-02", "2024-03-28"),
    "days, a part of what was asked": window(DAY, "2024-02-01", "2024-02-15"),
    "days, overlapping": window(DAY, "2024-03-15", "2024-05-15"),
    "days, more than asked before": window(DAY, "2023-11-01", "2024-07-01"),
    "days, newest first": window(DAY, "2024-01-02", "2024-03-28", sort="desc"),
    "days, the first of a window": window(DAY, "2024-01-02", "2024-03-28", limit=10),
    "days, the last of a window": window(DAY, "2024-01-02", "2024-03-28", limit=10, sort="desc"),
    "days before a split": window(DAY, "2021-06-01", "2021-08-10", "NVDA"),
    "days before a split, adjusted for it": window(DAY, "2021-06-01", "2021-08-10", "NVDA", adjustment=Adjustment.SPLIT),
    "days, adjusted for all": window(DAY, "2024-01-02", "2024-03-28", adjustment=Adjustment.ALL),
    "days of one exchange": window(DAY, "2024-01-02", "2024-03-28", feed=DataFeed.IEX),
    "days of the consolidated tape": window(DAY, "2024-01-02", "2024-03-28", feed=DataFeed.SIP),
    "several symbols": window(DAY, "2024-01-02", "2024-03-28", ["AAPL", "MSFT"]),
    "several symbols in another order": window(DAY, "2024-01-02", "2024-02-15", ["MSFT", "IBM", "AAPL"]),
    "several symbols, newest first": window(DAY, "2024-01-02", "2024-02-15", ["MSFT", "AAPL"], sort="desc"),
    "several symbols, the limit within the second": window(
        DAY, "2024-01-02", "2024-03-28", ["AAPL", "MSFT", "TSLA"], limit=75
    ),
    "weeks": window(TimeFrame.Week, "2023-01-02", "2024-01-05"),
    "months": window(TimeFrame.Month, "2022-01-01", "2024-01-31"),
    "hours": window(HOUR, "2024-02-01", "2024-02-29"),
    "hours, a part of what was asked": window(HOUR, "2024-02-12T14:30", "2024-02-16T21:00"),
    "minutes": window(TimeFrame.Minute, "2024-02-06", "2024-02-07"),
    "5 minutes of several symbols": window(FIVE_MINUTES, "2024-02-05", "2024-02-09", ["AAPL", "TSLA"]),
    # More than a page holds.
    "minutes, by pages": window(TimeFrame.Minute, "2024-01-02", "2024-02-01"),
}
COINS = {
    "coin, days": window(DAY, "2024-01-01", "2024-03-01", "BTC/USD"),
    "coins, hours": window(HOUR, "2024-02-01", "2024-02-05", ["BTC/USD", "ETH/USD"]),
    "coin, hours, a part of what was asked": window(HOUR, "2024-02-02", "2024-02-03", "BTC/USD"),
}


def alpaca_py(base: str, day: date) -> list[Call]:
    options = dict(api_key="demo-key", secret_key="demo-secret", url_override=base)
    stocks = StockHistoricalDataClient(**options)
    unwrapped = StockHistoricalDataClient(raw_data=True, **options)
    coins = CryptoHistoricalDataClient(raw_data=True, url_override=base)

    def bars(**asked: Any) -> Any:
        return unwrapped.get_stock_bars(StockBarsRequest(**asked))

    def frame(**asked: Any) -> Any:
        return stocks.get_stock_bars(StockBarsRequest(**asked)).df

    def of_coins(**asked: Any) -> Any:
        return coins.get_crypto_bars(CryptoBarsRequest(**asked))

    def now(size: TimeFrame, days: int, symbols: Any = "AAPL", **more: Any) -> dict[str, Any]:
        return dict(timeframe=size, start=midnight(day, days), symbol_or_symbols=symbols, **more)

    recent = {
        "days up to now": now(DAY, 60),
        "days of several symbols up to now": now(DAY, 60, ["AAPL", "IBM"]),
        "the newest days": now(DAY, 400, sort="desc", limit=20),
        "hours up to now": now(HOUR, 10),
        "5 minutes up to now": now(FIVE_MINUTES, 5, ["MSFT", "AAPL"]),
        "minutes of one exchange up to now": now(TimeFrame.Minute, 4, feed=DataFeed.IEX),
    }
    # Windows that begin before the newest rows of one that is asked for the newest ones first.
    later = {
        "days, after the newest": now(DAY, 300, "TSLA", end=midnight(day, 100)),
        "days of several symbols, after the newest": now(DAY, 250, ["TSLA", "NVDA"], end=midnight(day, 150)),
    }
    return [
        *calls(bars, WINDOWS),
        *calls(of_coins, COINS),
        Call("days, as a frame", lambda: frame(**WINDOWS["days"])),
        Call("several symbols, as a frame", lambda: frame(**WINDOWS["several symbols"])),
        Call("a weekend", lambda: bars(**window(DAY, "2024-01-06T06:00", "2024-01-07T12:00")), "empty"),
        Call("a night", lambda: bars(**window(TimeFrame.Minute, "2024-02-07T02:00", "2024-02-07T04:00")), "empty"),
        *calls(bars, recent, "newest"),
        *calls(bars, {"newest days of another stock": now(DAY, 200, "TSLA", sort="desc")}, "newest"),
        *calls(bars, later),
        # That there is no such symbol is forgotten in time.
        *calls(bars, {"one of the symbols unknown": window(DAY, "2024-01-02", "2024-03-28", ["AAPL", "NOPE"])}, "newest"),
        Call("coins up to now", lambda: of_coins(**now(HOUR, 3, ["BTC/USD", "ETH/USD"])), "newest"),
        Call("latest bars", lambda: unwrapped.get_stock_latest_bar(
            StockLatestBarRequest(symbol_or_symbols=["AAPL", "MSFT"])), "other"),
        Call("latest bar of a coin", lambda: coins.get_crypto_latest_bar(
            CryptoLatestBarRequest(symbol_or_symbols="BTC/USD")), "other"),
        Call("unknown symbol", lambda: bars(**window(DAY, "2024-01-02", "2024-03-28", "NOPE")), "other"),
        Call("a symbol that cannot be", lambda: bars(**window(DAY, "2024-01-02", "2024-03-28", "a%b")), "other"),
        Call("end before the beginning", lambda: bars(**window(DAY, "2024-03-28", "2024-01-02")), "other"),
        *calls(bars, {"currency that is not offered": window(DAY, "2024-01-02", "2024-03-28", currency="EUR")}, "other"),
    ]
