"""Finnhub."""

from datetime import date
from typing import Any

import finnhub

from others.asked import Call, calls, midnight, seconds


def window(resolution: str, since: str, until: str, symbol: str = "AAPL") -> dict[str, Any]:
    return dict(symbol=symbol, resolution=resolution, _from=seconds(since), to=seconds(until))


WINDOWS = {
    "days": window("D", "2024-01-02", "2024-03-28"),
    "days, a part of what was asked": window("D", "2024-02-01", "2024-02-15"),
    "days, overlapping": window("D", "2024-03-15", "2024-05-15"),
    "days, more than asked before": window("D", "2023-11-01", "2024-07-01"),
    "days, again": window("D", "2024-01-02", "2024-03-28"),
    "days, not from midnight to midnight": window("D", "2024-01-02T09:30", "2024-03-28T16:00"),
    "days before a split": window("D", "2021-06-01", "2021-08-10", "NVDA"),
    "weeks": window("W", "2023-01-02", "2024-01-05"),
    "months": window("M", "2022-01-01", "2024-01-31"),
    "1 minute": window("1", "2024-02-06T14:00", "2024-02-06T21:00"),
    "5 minutes": window("5", "2024-02-05", "2024-02-09"),
    "5 minutes, a part of what was asked": window("5", "2024-02-06T15:02", "2024-02-06T18:00"),
    "15 minutes": window("15", "2024-02-05", "2024-02-09"),
    "60 minutes": window("60", "2024-02-01", "2024-02-29"),
    "60 minutes before a split": window("60", "2021-07-05", "2021-07-10", "NVDA"),
}
CURRENCIES = {
    "currencies, days": window("D", "2024-01-01", "2024-03-01", "OANDA:EUR_USD"),
    "currencies, 60 minutes": window("60", "2024-02-05", "2024-02-09", "OANDA:EUR_USD"),
}
COINS = {
    "coin, days": window("D", "2024-01-01", "2024-03-01", "BINANCE:BTCUSDT"),
    "coin, 15 minutes": window("15", "2024-02-01", "2024-02-03", "BINANCE:BTCUSDT"),
}
FORWARDED = {"60 minutes, longer than is answered": window("60", "2024-01-02", "2024-03-28", "MSFT")}
EMPTY = {
    "a weekend": window("D", "2024-01-06", "2024-01-07"),
    "a night": window("5", "2024-02-07T02:00", "2024-02-07T04:00"),
}
MISTAKES = {
    "unknown symbol": window("D", "2024-01-02", "2024-03-28", "NOPE"),
    "invalid resolution": window("7", "2024-01-02", "2024-03-28"),
    "no end": window("D", "2024-01-02", "2024-03-28") | {"to": ""},
}
NOT_IN_THE_PLAN = {"not in the plan": window("D", "2024-01-02", "2024-03-28", "KRAKEN:BTCUSD")}


def finnhub_python(base: str, day: date) -> list[Call]:
    client = finnhub.Client("demo-key")
    client.API_URL = base + "/api/v1"

    def now(resolution: str, days: int, symbol: str = "AAPL", until: int = -2) -> dict[str, Any]:
        # A bit beyond now, so that all rounds ask the same.
        since, end = (int(midnight(day, ago).timestamp()) for ago in (days, until))
        return dict(symbol=symbol, resolution=resolution, _from=since, to=end)

    recent = {"days up to now": now("D", 90), "weeks up to now": now("W", 300), "5 minutes up to now": now("5", 5)}
    return [
        *calls(client.stock_candles, WINDOWS),
        *calls(client.forex_candles, CURRENCIES),
        *calls(client.crypto_candles, COINS),
        *calls(client.stock_candles, FORWARDED, "forwarded"),
        *calls(client.stock_candles, EMPTY, "empty"),
        *calls(client.stock_candles, recent, "newest"),
        *calls(client.stock_candles, {"newest days of another stock": now("D", 200, "TSLA")}, "newest"),
        *calls(client.stock_candles, {"days, after the newest": now("D", 300, "TSLA", until=100)}),
        Call("coin, 60 minutes up to now", lambda: client.crypto_candles(**now("60", 3, "BINANCE:BTCUSDT")), "newest"),
        Call("quote", lambda: client.quote("AAPL"), "other"),
        Call("search", lambda: client.symbol_lookup("apple"), "other"),
        *calls(client.stock_candles, MISTAKES, "other"),
        *calls(client.crypto_candles, NOT_IN_THE_PLAN, "other"),
    ]
