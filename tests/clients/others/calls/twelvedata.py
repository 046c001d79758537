"""Twelve Data: the newest `outputsize` rows of a window, which the library always sends."""

from datetime import date
from typing import Any

from twelvedata import TDClient

from others.asked import Call, calls, date_before


def window(interval: str, start: str, end: str, rows: int = 5000, **more: Any) -> dict[str, Any]:
    return dict(interval=interval, start_date=start, end_date=end, outputsize=rows, **more)


WINDOWS = {
    "days": window("1day", "2024-01-02", "2024-03-28"),
    "days, a part of what was asked": window("1day", "2024-02-01", "2024-02-15"),
    "days, overlapping": window("1day", "2024-03-15", "2024-05-15"),
    "days, more than asked before": window("1day", "2023-11-01", "2024-07-01"),
    "days, oldest first": window("1day", "2024-01-02", "2024-03-28", order="asc"),
    "days, the newest of a window": window("1day", "2023-01-03", "2023-12-29", rows=30),
    "days, two decimals": window("1day", "2024-01-02", "2024-03-28", dp=2),
    "days before a split": window("1day", "2021-06-01", "2021-08-10", symbol="NVDA"),
    "days before a split, as traded": window("1day", "2021-06-01", "2021-08-10", symbol="NVDA", adjust="none"),
    "days, adjusted for dividends, too": window("1day", "2024-01-02", "2024-03-28", adjust="all"),
    "days, with the close before": window("1day", "2024-01-02", "2024-03-28", previous_close="true"),
    "one day": window("1day", "2024-02-20", "2024-02-20"),
    "weeks": window("1week", "2023-01-02", "2024-01-05"),
    "months": window("1month", "2022-01-01", "2024-01-31"),
    "5min": window("5min", "2024-02-05 09:30:00", "2024-02-07 16:00:00"),
    "5min, a part of what was asked": window("5min", "2024-02-06 10:00:00", "2024-02-06 15:00:00"),
    "5min, in UTC": window("5min", "2024-02-06 15:00:00", "2024-02-06 20:00:00", timezone="UTC"),
    "5min, before and after the session": window("5min", "2024-02-06 04:00:00", "2024-02-06 20:00:00", prepost="true"),
    "1h": window("1h", "2024-02-01", "2024-03-01"),
    "1h, of one date": dict(interval="1h", date="2024-02-06"),
    "currencies, days": window("1day", "2024-01-01", "2024-03-01", symbol="EUR/USD"),
    "currencies, 1h": window("1h", "2024-02-05 00:00:00", "2024-02-09 12:00:00", symbol="EUR/USD"),
    "coin, days": window("1day", "2024-01-01", "2024-03-01", symbol="BTC/USD"),
    "coin, 4h": window("4h", "2024-02-01 00:00:00", "2024-02-10 00:00:00", symbol="BTC/USD", timezone="America/New_York"),
}
BATCHES = {
    "several symbols": window("1day", "2024-01-02", "2024-03-28", symbol="AAPL,MSFT"),
    "several symbols, one of them new": window("1day", "2024-02-01", "2024-02-15", symbol="AAPL,MSFT,IBM"),
}
PARTLY_UNKNOWN = {"one of the symbols unknown": window("1day", "2024-01-02", "2024-03-28", symbol="AAPL,NOPE")}
RECENT = {
    "newest days": dict(interval="1day"),
    "newest days, more": dict(interval="1day", outputsize=90),
    "newest days, less": dict(interval="1day", outputsize=5),
    "newest days, oldest first": dict(interval="1day", outputsize=20, order="asc"),
    "days from a date on": dict(interval="1day", start_date="2026-06-01", outputsize=5000),
    "newest weeks": dict(interval="1week", outputsize=12),
    "newest hours": dict(interval="1h", outputsize=40),
    "newest 5min": dict(interval="5min", outputsize=100),
    "coin, newest hours": dict(symbol="BTC/USD", interval="1h", outputsize=24),
}
MISTAKES = {
    "unknown symbol": window("1day", "2024-01-02", "2024-03-28", symbol="NOPE"),
    "invalid interval": window("7min", "2024-01-02", "2024-03-28"),
    "invalid zone": window("1h", "2024-02-01", "2024-03-01", timezone="Mars"),
    "too many rows": dict(interval="1day", outputsize=9999),
}


def twelvedata(base: str, day: date) -> list[Call]:
    client = TDClient("demo-key", base_url=base)

    def series(symbol: str = "AAPL", **params: Any) -> Any:
        return client.time_series(symbol=symbol, **params)

    def text(symbol: str = "AAPL", **params: Any) -> str:
        """The answer as it came."""
        return series(symbol, **params).price_endpoint.as_raw_json()

    past = WINDOWS["days"]
    since = dict(interval="5min", start_date=date_before(day, 5), outputsize=5000)
    # Windows that begin before the newest rows of those that are asked for the newest ones first, or lie in them.
    later = {
        "days, after the newest": window("1day", date_before(day, 300), date_before(day, 100), symbol="TSLA"),
        "1h, after the newest": window("1h", date_before(day, 30), date_before(day, 20), symbol="TSLA"),
        "coin, days, after the newest": window("1day", date_before(day, 300), date_before(day, 100), symbol="SOL/USD"),
    }
    return [
        *calls(text, WINDOWS),
        *calls(lambda **asked: series(**asked).price_endpoint.as_json(), BATCHES),
        # That there is no such symbol is forgotten in time.
        *calls(lambda **asked: series(**asked).price_endpoint.as_json(), PARTLY_UNKNOWN, "newest"),
        Call("days, as a frame", lambda: series(**past).as_pandas()),
        Call("days, as rows", lambda: series(**past).as_json()),
        Call("days, as CSV", lambda: series(**past).price_endpoint.as_raw_csv()),
        Call("5min, as CSV rows", lambda: series(**WINDOWS["5min"]).as_csv()),
        Call("several symbols, as a frame", lambda: series(**BATCHES["several symbols"]).as_pandas()),
        Call("a weekend", lambda: text(**window("1day", "2024-01-06", "2024-01-07")), "other"),
        *calls(lambda **asked: series(**asked).as_json(), RECENT, "newest"),
        *calls(lambda **asked: series(**asked).as_pandas(), {"5min from a date on": since}, "newest"),
        # Without the day that is not over: prices of currencies swing by their last digits only.
        Call("currencies, days up to now", lambda: series("EUR/USD", interval="1day").as_json()[1:], "newest"),
        Call("newest days of another stock", lambda: text("TSLA", interval="1day", outputsize=150), "newest"),
        Call("newest hours of another stock", lambda: text("TSLA", interval="1h", outputsize=200), "newest"),
        Call("newest days of another coin", lambda: series("SOL/USD", interval="1day", outputsize=200).as_json(), "newest"),
        *calls(text, later),
        Call("quote", lambda: client.quote(symbol="AAPL").as_json(), "other"),
        Call("prices", lambda: client.price(symbol="AAPL,MSFT").as_json(), "other"),
        Call("end of day", lambda: client.eod(symbol="MSFT").as_json(), "other"),
        Call("search", lambda: client.symbol_search(symbol="AA").as_json(), "other"),
        Call("earliest", lambda: client.get_earliest_timestamp(symbol="AAPL", interval="1day").as_json(), "other"),
        *calls(text, MISTAKES, "other"),
    ]
