"""Tiingo."""

from datetime import date
from typing import Any

from others.asked import Call, calls, date_before


def window(frequency: str, start: str, end: str | None, **more: Any) -> dict[str, Any]:
    return dict(frequency=frequency, startDate=start, endDate=end, **more)


WINDOWS = {
    "days": window("daily", "2024-01-02", "2024-03-28"),
    "days, a part of what was asked": window("daily", "2024-02-01", "2024-02-15"),
    "days, overlapping": window("daily", "2024-03-15", "2024-05-15"),
    "days, more than asked before": window("daily", "2023-11-01", "2024-07-01"),
    "days, again": window("daily", "2024-01-02", "2024-03-28"),
    "days over a split": window("daily", "2024-06-03", "2024-06-14", ticker="NVDA"),
    "days, small letters": window("daily", "2024-01-02", "2024-02-01", ticker="aapl"),
    "days, as objects": window("daily", "2024-01-02", "2024-01-31", fmt="object"),
    "weeks": window("weekly", "2023-01-04", "2024-01-03"),
    "months": window("monthly", "2022-01-10", "2024-01-10"),
    "years": window("annually", "2018-01-01", "2023-12-31"),
    "5min": window("5min", "2024-02-05", "2024-02-07"),
    "5min, a part of what was asked": window("5min", "2024-02-06", "2024-02-06"),
    "5min, with volumes": window("5min", "2024-02-05", "2024-02-07", columns="open,high,low,close,volume"),
    "1hour": window("1hour", "2024-02-01", "2024-02-29"),
}
EMPTY = {
    "a weekend": window("daily", "2024-01-06", "2024-01-07"),
    "5min of a weekend": window("5min", "2024-01-06", "2024-01-07"),
}
# As CSV adjusted prices have more digits than as JSON.
FORWARDED = {
    "days, as CSV": window("daily", "2024-01-02", "2024-03-28", fmt="csv"),
    "days, as CSV, nothing asked before": window("daily", "2024-01-02", "2024-03-28", fmt="csv", ticker="MSFT"),
    "5min, as CSV": window("5min", "2024-02-05", "2024-02-07", fmt="csv"),
    "days, some columns": window("daily", "2024-01-02", "2024-03-28", columns="open,close,adjClose"),
}


def tiingo(base: str, day: date) -> list[Call]:
    from tiingo import TiingoClient

    client = TiingoClient({"api_key": "demo-key", "session": True})
    client._base_url = base

    def prices(ticker: str = "AAPL", **params: Any) -> Any:
        return client.get_ticker_price(ticker, **params)

    def coins(*tickers: str, size: str, start: str, end: str | None = None) -> Any:
        return client.get_crypto_price_history(list(tickers), startDate=start, endDate=end, resampleFreq=size)

    def ago(days: int) -> str:
        return date_before(day, days)

    days = dict(startDate="2024-01-02", endDate="2024-03-28")
    return [
        *calls(prices, WINDOWS),
        Call("days, as a frame", lambda: client.get_dataframe("AAPL", **days)),
        *calls(prices, FORWARDED, "forwarded"),
        Call("days, as JSON after CSV", lambda: prices("MSFT", **days)),
        Call("days, as a frame of CSV", lambda: client.get_dataframe("IBM", fmt="csv", **days), "forwarded"),
        Call("several symbols", lambda: client.get_dataframe(["AAPL", "MSFT", "TSLA"], metric_name="adjClose", **days)),
        Call("coin, days", lambda: coins("btcusd", size="1day", start="2024-01-01", end="2024-03-01")),
        Call("coin, hours", lambda: coins("btcusd", size="1hour", start="2024-02-01", end="2024-02-05")),
        Call("coin, a part of what was asked", lambda: coins("btcusd", size="1hour", start="2024-02-02", end="2024-02-03")),
        Call("coins", lambda: coins("btcusd", "ethusd", size="1day", start="2024-01-01", end="2024-03-01")),
        *calls(prices, EMPTY, "empty"),
        Call("newest day", prices, "newest"),
        Call("newest day, as CSV", lambda: prices(fmt="csv"), "newest"),
        Call("days up to now", lambda: prices(startDate=ago(90)), "newest"),
        Call("days up to now, as a frame", lambda: client.get_dataframe("AAPL", startDate=ago(40)), "newest"),
        Call("weeks up to now", lambda: prices(startDate=ago(200), frequency="weekly"), "newest"),
        Call("5min of the newest day", lambda: prices(frequency="5min"), "newest"),
        Call("1hour up to now", lambda: prices(startDate=ago(8), frequency="1hour"), "newest"),
        Call("coin, hours up to now", lambda: coins("ethusd", size="1hour", start=ago(2)), "newest"),
        Call("newest days of another stock", lambda: prices("TSLA", startDate=ago(200)), "newest"),
        Call("days, after the newest", lambda: prices("TSLA", startDate=ago(300), endDate=ago(100))),
        Call("newest hours of another coin", lambda: coins("solusd", size="1hour", start=ago(60)), "newest"),
        Call("coin, hours, after the newest", lambda: coins("solusd", size="1hour", start=ago(70), end=ago(50))),
        Call("metadata", lambda: client.get_ticker_metadata("IBM"), "other"),
        Call("unknown symbol", lambda: prices("NOPE", **days), "other"),
        Call("unknown symbol, within a day", lambda: prices("NOPE", frequency="5min", **days), "other"),
        Call("unknown coin", lambda: coins("nopeusd", size="1day", start="2024-01-01", end="2024-03-01"), "other"),
        Call("a date that is none", lambda: prices(startDate="2024-13-77"), "other"),
        Call("invalid frequency, never sent", lambda: prices(frequency="sometimes"), "other"),
        Call("minutes that are too many", lambda: prices(frequency="9999min", **days), "other"),
    ]
