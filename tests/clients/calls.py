"""Runs the calls of one client against one server and prints what came back, as JSON.

    calls.py CLIENT BASE_URL COUNTER_URL

COUNTER_URL tells how many klines requests the provider has seen. Kinds of calls: `settled` ones ask for bars that can no
longer change, `newest` ones for the bars up to now, `other` ones for no bars at all.
"""

import json
import sys
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Callable


@dataclass
class Call:
    name: str
    run: Callable[[], Any]
    kind: str = "settled"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# What the three Binance libraries are asked alike. `micro` sends the header for microseconds, `ui` asks uiKlines.
WINDOWS = {
    "1m, start and end": dict(interval="1m", startTime=ms("2024-01-15"), endTime=ms("2024-01-15T03:00")),
    "1m, a part of what was asked": dict(interval="1m", startTime=ms("2024-01-15T01:00"), endTime=ms("2024-01-15T01:30")),
    "1m, more than asked before": dict(interval="1m", startTime=ms("2024-01-14T22:00"), endTime=ms("2024-01-15T05:00")),
    "1m, limit above the maximum": dict(interval="1m", startTime=ms("2024-02-01"), limit=5000),
    "1m, over a halt": dict(interval="1m", startTime=ms("2021-04-25T03:50"), endTime=ms("2021-04-25T08:55"), limit=1000),
    "1m, inside a halt": dict(interval="1m", startTime=ms("2021-04-25T05:00"), endTime=ms("2021-04-25T06:00")),
    "1s, start and limit": dict(interval="1s", startTime=ms("2024-01-15T12:00"), limit=90),
    "5m, start between two bars": dict(interval="5m", startTime=ms("2024-03-01") + 1, limit=7),
    "5m, end on an opening": dict(interval="5m", startTime=ms("2024-03-02"), endTime=ms("2024-03-02T01:00")),
    "5m, end just before it": dict(interval="5m", startTime=ms("2024-03-02"), endTime=ms("2024-03-02T01:00") - 1),
    "15m, end only": dict(interval="15m", endTime=ms("2024-03-03")),
    "1h, start only": dict(interval="1h", startTime=ms("2023-06-01")),
    "1h, end only": dict(interval="1h", endTime=ms("2024-02-01"), limit=100),
    "1h, a bar off the grid": dict(interval="1h", startTime=ms("2018-02-07"), endTime=ms("2018-02-10")),
    "1h, end before the off-grid bar": dict(interval="1h", endTime=ms("2018-02-09T09:00"), limit=5),
    "4h, start, end and limit": dict(interval="4h", startTime=ms("2023-01-01"), endTime=ms("2023-03-01"), limit=11),
    "1d, start and end": dict(interval="1d", startTime=ms("2023-01-01"), endTime=ms("2024-06-30"), limit=1000),
    "1d, end only": dict(interval="1d", endTime=ms("2024-01-01"), limit=3),
    "3d, start and end": dict(interval="3d", startTime=ms("2023-01-01"), endTime=ms("2023-12-31")),
    "1w, start and end": dict(interval="1w", startTime=ms("2023-01-01"), endTime=ms("2024-06-30")),
    "1M, start and end": dict(interval="1M", startTime=ms("2022-01-01"), endTime=ms("2024-06-30")),
    "1d, the first bar": dict(interval="1d", startTime=0, limit=1),
    "1M, the first bar": dict(interval="1M", startTime=0, limit=1),
    "1h, across the listing": dict(interval="1h", startTime=ms("2017-07-01"), limit=20),
    "1d, before the listing": dict(interval="1d", startTime=ms("2015-01-01"), endTime=ms("2016-01-01")),
    "1d, end only, before the listing": dict(interval="1d", endTime=ms("2016-01-01")),
    "1d, zone 8": dict(interval="1d", startTime=ms("2024-01-01"), endTime=ms("2024-02-01"), timeZone="8"),
    "1d, zone -3:30, end only": dict(interval="1d", endTime=ms("2024-02-01"), limit=10, timeZone="-3:30"),
    "1w, zone 05:45": dict(interval="1w", startTime=ms("2024-01-01"), limit=6, timeZone="05:45"),
    "1M, zone -5": dict(interval="1M", startTime=ms("2023-01-01"), limit=6, timeZone="-5"),
    "1h, zone 05:45": dict(interval="1h", startTime=ms("2024-01-01"), limit=30, timeZone="05:45"),
    "1h, zone 0": dict(interval="1h", startTime=ms("2023-06-02"), limit=5, timeZone="0"),
    "1h, uiKlines": dict(interval="1h", startTime=ms("2024-01-01"), endTime=ms("2024-01-05"), ui=True),
    "1d, uiKlines, zone 8": dict(interval="1d", startTime=ms("2024-01-01"), limit=9, timeZone="8", ui=True),
    "1h, microseconds": dict(interval="1h", startTime=ms("2023-06-01"), limit=50, micro=True),
    "1h, microseconds in and out": dict(
        interval="1h", startTime=ms("2023-06-03") * 1000, endTime=ms("2023-06-04") * 1000, micro=True
    ),
    "1M, uiKlines, microseconds": dict(interval="1M", startTime=ms("2023-01-01"), limit=4, micro=True, ui=True),
}
NEWEST = {
    "1d, limit only": dict(interval="1d", limit=40),
    "1d, neither": dict(interval="1d"),
    "1d, start up to now": dict(interval="1d", startTime=ms("2026-01-01"), limit=1000),
    "1d, limit only, uiKlines": dict(interval="1d", limit=40, ui=True),
    "1d, limit only, microseconds": dict(interval="1d", limit=40, micro=True),
}
MISTAKES = {
    "unknown symbol": dict(symbol="NOPEUSDT", interval="1d"),
    "unknown symbol, with a window": dict(symbol="NOPEUSDT", interval="1d", startTime=ms("2024-01-01"), limit=5),
    "unknown symbol, uiKlines": dict(symbol="NOPEUSDT", interval="1d", ui=True),
    "invalid interval": dict(interval="7x"),
    "start that is no number": dict(interval="1d", startTime="yesterday"),
    "invalid zone": dict(interval="1d", timeZone="mars"),
}


def alike(klines: Callable[..., Any], symbol: str) -> list[Call]:
    """The calls that all Binance libraries have in common."""

    def call(name: str, params: dict[str, Any], kind: str) -> Call:
        return Call(name, lambda: klines(**{"symbol": symbol, **params}), kind)

    return (
        [call(name, params, "settled") for name, params in WINDOWS.items()]
        + [call(name, params, "newest") for name, params in NEWEST.items()]
        + [call(name, params, "other") for name, params in MISTAKES.items()]
    )


def without(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != name}


def python_binance(base: str) -> list[Call]:
    from binance.client import Client

    class Gateway(Client):
        API_URL = base + "/api"

    clients = {False: Gateway(), True: Gateway(time_unit="MICROSECOND")}

    def klines(micro: bool = False, ui: bool = False, **params: Any) -> Any:
        client = clients[micro]
        return (client.get_ui_klines if ui else client.get_klines)(**params)

    client, symbol = clients[False], "BTCUSDT"
    history = client.get_historical_klines
    return alike(klines, symbol) + [
        Call("history, 1h, dates", lambda: history(symbol, "1h", "1 Jan, 2023", "1 Apr, 2023")),
        Call("history, 1h, dates, again", lambda: history(symbol, "1h", "1 Jan, 2023", "1 Apr, 2023")),
        Call("history, 5m, milliseconds", lambda: history(symbol, "5m", ms("2023-09-01"), ms("2023-09-09"))),
        Call("history, 1d, from before the listing", lambda: history(symbol, "1d", "1 Jan, 2015", "31 Dec, 2023")),
        Call("history, 1w", lambda: history(symbol, "1w", "1 Jan, 2018", "31 Dec, 2023")),
        Call("history, 1M", lambda: history(symbol, "1M", "1 Jan, 2018", "31 Dec, 2023")),
        Call("history, 1m, over a halt", lambda: history(symbol, "1m", "30 Dec, 2023", "1 Jan, 2024")),
        Call("history, limit", lambda: history(symbol, "1h", "1 Feb, 2023", "1 Mar, 2023", limit=10)),
        Call("history, end only", lambda: history(symbol, "1d", None, "1 Jan, 2024", limit=20)),
        Call(
            "history, generator",
            lambda: list(client.get_historical_klines_generator(symbol, "1h", "1 May, 2023", "1 Jul, 2023")),
        ),
        Call("history up to now", lambda: history(symbol, "1d", "1 Jan, 2024"), "newest"),
        Call("history, unknown symbol", lambda: history("NOPEUSDT", "1d", "1 Jan, 2023", "1 Apr, 2023"), "other"),
        Call("no interval", lambda: client.get_klines(symbol=symbol), "other"),
        Call("no symbol", lambda: client.get_klines(interval="1d"), "other"),
        Call("ping", client.ping, "other"),
        Call("exchange info", lambda: without(client.get_exchange_info(), "serverTime"), "other"),
        Call("symbol info", lambda: client.get_symbol_info(symbol), "other"),
    ]


def binance_connector(base: str) -> list[Call]:
    from binance.spot import Spot

    clients = {False: Spot(base_url=base), True: Spot(base_url=base, time_unit="microsecond")}
    weighed = Spot(base_url=base, show_limit_usage=True, show_header=True)

    def klines(micro: bool = False, ui: bool = False, **params: Any) -> Any:
        client = clients[micro]
        return (client.ui_klines if ui else client.klines)(**params)

    def usage() -> Any:
        answer = weighed.klines("ETHBTC", "1h", startTime=ms("2023-06-01"), limit=3)
        return [sorted(answer["limit_usage"]), answer["header"]["content-type"], answer["data"]]

    client = clients[False]
    return alike(klines, "ETHBTC") + [
        Call("names of the limit usage, content type", usage),
        Call("ping", client.ping, "other"),
        Call("exchange info", lambda: without(client.exchange_info(), "serverTime"), "other"),
    ]


def binance_sdk_spot(base: str) -> list[Call]:
    from binance_sdk_spot.spot import ConfigurationRestAPI, Spot

    def connect(**more: Any) -> Any:
        return Spot(config_rest_api=ConfigurationRestAPI(base_path=base, **more)).rest_api

    clients = {False: connect(), True: connect(time_unit="MICROSECOND")}
    names = {"startTime": "start_time", "endTime": "end_time", "timeZone": "time_zone"}

    def klines(micro: bool = False, ui: bool = False, **params: Any) -> Any:
        client = clients[micro]
        return (client.ui_klines if ui else client.klines)(**{names.get(k, k): v for k, v in params.items()}).data()

    def limits() -> Any:
        answer = clients[False].klines("ETHUSDT", "1h", start_time=ms("2023-06-01"), limit=3)
        return [[limit.rateLimitType, limit.interval, limit.intervalNum] for limit in answer.rate_limits]

    client = clients[False]
    return alike(klines, "ETHUSDT") + [
        Call("kinds of rate limits", limits),
        Call("ping", lambda: str(client.ping().data()), "other"),
        Call("exchange info", lambda: without(client.exchange_info().data().to_dict(), "serverTime"), "other"),
    ]


def ccxt(base: str) -> list[Call]:
    import ccxt as library
    from urllib.parse import urlsplit

    exchange = library.binance({"options": {"fetchMarkets": {"types": ["spot"]}}})
    exchange.urls["api"] = {name: base + urlsplit(url).path for name, url in exchange.urls["api"].items()}
    exchange.load_markets()
    symbol = "SHIB/USDT"

    def bars(frame: str, since: str | None = None, limit: int | None = None, until: str | None = None, **params: Any) -> Any:
        if until:
            params["until"] = ms(until)
        return exchange.fetch_ohlcv(symbol, frame, ms(since) if since else None, limit, params)

    raw = exchange.publicGetKlines
    return [
        Call("1d, since and limit", lambda: bars("1d", "2024-01-02", 60)),
        Call("1m, since and limit", lambda: bars("1m", "2024-01-15", 200)),
        Call("5m, since", lambda: bars("5m", "2024-01-15")),
        Call("1h, since and until", lambda: bars("1h", "2024-01-01", until="2024-01-20")),
        Call("1h, since, limit and until", lambda: bars("1h", "2024-01-03", 30, "2024-01-20")),
        Call("1h, until", lambda: bars("1h", until="2024-02-01")),
        Call("1w, since and until", lambda: bars("1w", "2023-01-01", until="2024-06-30")),
        Call("1M, since and until", lambda: bars("1M", "2022-01-01", until="2024-06-30")),
        Call("3d, since and limit", lambda: bars("3d", "2023-01-01", 20)),
        Call("1h, limit above the maximum", lambda: bars("1h", "2023-01-01", 5000)),
        Call("1d, since before the listing", lambda: bars("1d", "2015-01-01", 10)),
        Call("1h, paginated", lambda: bars("1h", "2023-01-01", until="2023-07-01", paginate=True)),
        Call("1h, paginated, again", lambda: bars("1h", "2023-01-01", until="2023-07-01", paginate=True)),
        Call("5m, paginated, over a halt", lambda: bars("5m", "2023-12-28", until="2024-01-06", paginate=True)),
        Call("1d, zone", lambda: bars("1d", "2024-01-02", 20, timeZone="8")),
        Call("1h, klines as they are", lambda: raw({"symbol": "SHIBUSDT", "interval": "1h", "startTime": ms("2024-01-01")})),
        Call(
            "1h, uiKlines",
            lambda: exchange.publicGetUiKlines({"symbol": "SHIBUSDT", "interval": "1h", "startTime": ms("2024-01-01")}),
        ),
        Call("1d, limit only", lambda: bars("1d", None, 40), "newest"),
        Call("1d, neither", lambda: bars("1d"), "newest"),
        Call("1d, paginated up to now", lambda: bars("1d", "2022-01-01", paginate=True), "newest"),
        Call("unknown symbol", lambda: raw({"symbol": "NOPEUSDT", "interval": "1d"}), "other"),
        Call("unknown symbol, never sent", lambda: exchange.fetch_ohlcv("NOPE/USDT"), "other"),
        Call("invalid interval", lambda: raw({"symbol": "SHIBUSDT", "interval": "7x"}), "other"),
        Call("no interval", lambda: raw({"symbol": "SHIBUSDT"}), "other"),
        Call("ping", exchange.publicGetPing, "other"),
        Call("exchange info", lambda: without(exchange.publicGetExchangeInfo(), "serverTime"), "other"),
        Call("markets", lambda: exchange.markets, "other"),
    ]


CLIENTS = {
    "python-binance": python_binance,
    "binance-connector": binance_connector,
    "binance-sdk-spot": binance_sdk_spot,
    "ccxt": ccxt,
}
TOLD_BY_ERRORS = ["status_code", "code", "message", "error_code", "error_message"]


def upstream_calls(counter: str) -> int:
    with urllib.request.urlopen(counter) as answer:
        return json.load(answer)["series"]


def error_of(error: Exception) -> dict[str, Any]:
    told = {name: getattr(error, name) for name in TOLD_BY_ERRORS if hasattr(error, name)}
    return {"error": type(error).__name__, **(told or {"text": str(error)})}


def answer_of(call: Call) -> Any:
    try:
        answer = call.run()
    except Exception as error:
        return error_of(error)
    # The last day is not over, and the one before may only just be.
    return answer[:-2] if call.kind == "newest" else answer


def main() -> None:
    client, base, counter = sys.argv[1:]
    answers = []
    for call in CLIENTS[client](base):
        before = upstream_calls(counter)
        answer = answer_of(call)
        answers.append(
            {"name": call.name, "kind": call.kind, "answer": answer, "upstream": upstream_calls(counter) - before}
        )
    json.dump({"version": version(client), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
