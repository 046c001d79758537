"""CoinGecko: how far apart samples are follows from how much is asked for."""

from datetime import date
from typing import Any

from others.asked import Call, calls, midnight, seconds


def window(since: str, until: str, **more: Any) -> dict[str, Any]:
    return dict(since=seconds(since), until=seconds(until), **more)


# What both libraries are asked alike.
WINDOWS = {
    "days": window("2024-01-01", "2024-06-30"),
    "days, a part of what was asked": window("2024-02-01", "2024-05-20"),
    "days, overlapping": window("2024-05-01", "2024-09-30"),
    "days, again": window("2024-01-01", "2024-06-30"),
    "hours": window("2024-03-01", "2024-03-20"),
    "hours, a part of what was asked": window("2024-03-05T07:30", "2024-03-09T11:15"),
    "hours, overlapping": window("2024-03-15", "2024-04-10"),
    "hours of one day": window("2024-03-06", "2024-03-07"),
    "hours, longer than samples are apart by themselves": window("2024-07-01", "2024-09-20"),
    "days by their name": window("2024-03-01", "2024-03-20", interval="daily"),
    "in euros": window("2024-03-01", "2024-03-20", currency="eur"),
    "two decimals": window("2024-03-01", "2024-03-20", precision="2"),
}
CANDLES = {
    "candles of days": window("2024-02-01", "2024-04-01", interval="daily"),
    "candles of days, a part of what was asked": window("2024-02-10", "2024-03-01", interval="daily"),
    "candles of hours": window("2024-02-01", "2024-02-20", interval="hourly"),
}
RECENT = {f"{days} days back": dict(days=days) for days in ["1", "7", "30", "90", "180", "365", "max"]} | {
    "30 days back, by their name": dict(days="30", interval="daily"),
}
# Windows that begin before the newest samples of a coin that is asked for the newest ones first, or lie in them.
LATER = {
    "days, after the newest": dict(days=300, coin="solana", until=100),
    "hours, after the newest": dict(days=70, coin="solana", until=60),
}
RECENT_CANDLES = {f"candles of {days} days back": dict(days=days) for days in ["1", "14", "30", "180"]}


def pycoingecko(base: str, day: date) -> list[Call]:
    from pycoingecko import CoinGeckoAPI

    client = CoinGeckoAPI(demo_api_key="demo-key")
    client.api_base_url = base + "/api/v3/"

    def span(since: int, until: int, coin: str = "bitcoin", currency: str = "usd", **more: Any) -> Any:
        return client.get_coin_market_chart_range_by_id(coin, currency, since, until, **more)

    def candles(since: int, until: int, interval: str) -> Any:
        return client.get_coin_ohlc_by_id_range("bitcoin", "usd", since, until, interval)

    return alike(span, candles, day) + [
        *calls(lambda **asked: client.get_coin_market_chart_by_id("bitcoin", "usd", **asked), RECENT, "newest"),
        *calls(lambda days: client.get_coin_ohlc_by_id("bitcoin", "usd", days), RECENT_CANDLES, "newest"),
        Call("price", lambda: client.get_price("bitcoin,solana", "usd,eur", include_market_cap="true"), "other"),
        Call("history", lambda: client.get_coin_history_by_id("bitcoin", "15-02-2024"), "other"),
        Call("markets", lambda: [unchanged(coin) for coin in client.get_coins_markets("usd")], "other"),
        Call("list", client.get_coins_list, "other"),
        Call("search", lambda: client.search("sol"), "other"),
        Call("ping", client.ping, "other"),
        Call("days that are no number", lambda: client.get_coin_market_chart_by_id("bitcoin", "usd", "soon"), "other"),
        Call("days that are not offered", lambda: client.get_coin_ohlc_by_id("bitcoin", "usd", 31), "other"),
    ]


def coingecko_sdk(base: str, day: date) -> list[Call]:
    from coingecko_sdk import Coingecko

    client = Coingecko(base_url=base + "/api/v3", pro_api_key="demo-key", environment="pro")

    def span(since: int, until: int, coin: str = "bitcoin", currency: str = "usd", **more: Any) -> Any:
        chart = client.coins.market_chart.get_range(coin, from_=str(since), to=str(until), vs_currency=currency, **more)
        return chart.to_dict()

    def candles(since: int, until: int, interval: Any) -> Any:
        bounds = dict(from_=str(since), to=str(until))
        return client.coins.ohlc.get_range("bitcoin", vs_currency="usd", interval=interval, **bounds)

    def recent(**asked: Any) -> Any:
        return client.coins.market_chart.get("bitcoin", vs_currency="usd", **asked).to_dict()

    markets = client.coins.markets.get

    def prices() -> Any:
        found = client.simple.price.get(vs_currencies="usd", ids="bitcoin,ethereum", include_market_cap=True)
        return {coin: price.to_dict() for coin, price in found.items()}

    return alike(span, candles, day) + [
        *calls(recent, RECENT, "newest"),
        *calls(lambda days: client.coins.ohlc.get("bitcoin", vs_currency="usd", days=days), RECENT_CANDLES, "newest"),
        Call("price", prices, "other"),
        Call("markets", lambda: [unchanged(coin.to_dict()) for coin in markets(vs_currency="usd")], "other"),
        Call("search", lambda: client.search.get(query="bit").to_dict(), "other"),
        Call("ping", lambda: client.ping.get().to_dict(), "other"),
    ]


def unchanged(coin: dict[str, Any]) -> dict[str, Any]:
    """Without differences of prices of now, which may be of any size."""
    return {name: value for name, value in coin.items() if "change" not in name}


def alike(span: Any, candles: Any, day: date) -> list[Call]:
    def until_now(days: int, coin: str = "ethereum", until: int = -2) -> Any:
        # A bit beyond now, so that all rounds ask the same.
        since, end = (int(midnight(day, ago).timestamp()) for ago in (days, until))
        return span(since, end, coin)

    old = window("2009-01-01", "2009-06-01")
    return [
        *calls(span, WINDOWS),
        *calls(candles, CANDLES, "forwarded"),
        Call("before there was any", lambda: span(**old), "empty"),
        Call("hours of another coin", lambda: span(**window("2024-03-01", "2024-03-20", coin="ethereum"))),
        Call("newest days of another coin", lambda: until_now(200, "solana"), "newest"),
        Call("newest hours of another coin", lambda: until_now(85, "solana"), "newest"),
        *calls(until_now, LATER),
        Call("hours up to now", lambda: until_now(30), "newest"),
        Call("days up to now", lambda: until_now(300), "newest"),
        Call("unknown coin", lambda: span(**window("2024-03-01", "2024-03-20", coin="nope")), "other"),
        Call("unknown currency", lambda: span(**window("2024-03-01", "2024-03-20", currency="nope")), "other"),
        Call("end before the beginning", lambda: span(**window("2024-03-20", "2024-03-01")), "other"),
        Call("invalid interval", lambda: candles(**window("2024-03-01", "2024-03-20", interval="weekly")), "other"),
    ]
