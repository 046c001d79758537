"""Runs the calls of one client of Yahoo against one server and prints what came back, as JSON.

    calls.py CLIENT BASE_URL COUNTER_URL DAY

Windows near now are counted back from DAY, so that all rounds ask the same. Kinds of calls: `settled` ones ask for bars
that can no longer change, `empty` ones for such where there are none, `newest` ones for bars up to now, `other` ones
for no bars at all.
"""

import json
import sys
import tempfile
import urllib.request
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.metadata import version
from typing import Any, Callable
from urllib.parse import urlsplit

import curl_cffi.requests
import pandas as pd
import requests

BASE, DAY = sys.argv[2], date.fromisoformat(sys.argv[4])
# What yfinance keeps on disk is not for the next round to find.
SCRATCH = tempfile.TemporaryDirectory(prefix="finex-clients-")
SYMBOLS = ["AAPL", "MSFT", "IBM", "^GSPC", "VOD.L", "BTC-USD", "EURUSD=X", "7203.T"]


@dataclass
class Call:
    name: str
    run: Callable[[], Any]
    kind: str = "settled"


def repointed(library: Any) -> type:
    """A session of curl_cffi or requests for which BASE is whatever host of Yahoo is asked."""

    class Repointed(library.Session):
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            parts = urlsplit(url)
            if parts.hostname and parts.hostname.endswith("yahoo.com"):
                url = f"{BASE}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
            return super().request(method, url, *args, **options)

    return Repointed


def ago(days: int, hour: int = 0) -> datetime:
    return datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=timezone.utc) - timedelta(days=days)


# What both libraries are asked alike: interval, start and end.
DAYS = {
    "1d": ("1d", "2024-01-02", "2024-03-28"),
    "1d, a part of what was asked": ("1d", "2024-02-01", "2024-02-15"),
    "1d, overlapping": ("1d", "2024-03-15", "2024-05-15"),
    "1d, more than asked before": ("1d", "2023-11-01", "2024-07-01"),
    "1d, again": ("1d", "2024-01-02", "2024-06-30"),
    "1d, one day": ("1d", "2024-02-20", "2024-02-21"),
    "1d, start within a session": ("1d", datetime(2024, 4, 10, 17, tzinfo=timezone.utc), "2024-05-01"),
    "1d, end within a session": ("1d", "2024-04-02", datetime(2024, 4, 10, 17, tzinfo=timezone.utc)),
    "1d, over a split": ("1d", "2020-08-03", "2020-10-01"),
    "1d, across the listing": ("1d", "1980-06-01", "1987-03-01"),
    "1d, ten years": ("1d", "2005-01-01", "2015-01-01"),
    "1wk": ("1wk", "2023-01-02", "2024-01-01"),
    "1wk, cut at both ends": ("1wk", "2023-02-01", "2023-08-10"),
    "1mo": ("1mo", "2022-01-01", "2024-01-01"),
    "1mo, cut at both ends": ("1mo", "2022-02-10", "2023-08-10"),
    "3mo": ("3mo", "2020-01-01", "2024-01-01"),
}
# Ends lie two days back: bars are settled after one.
HOURS = {
    "1m": ("1m", ago(6), ago(2)),
    "1m, a part of what was asked": ("1m", ago(6, 14), ago(3, 17)),
    "2m": ("2m", ago(20), ago(14)),
    "5m": ("5m", ago(50), ago(40)),
    "5m, overlapping": ("5m", ago(45), ago(35)),
    "5m, a part of what was asked": ("5m", ago(48), ago(38)),
    "15m": ("15m", ago(55), ago(20)),
    "60m": ("60m", ago(300), ago(200)),
    "60m, the other name": ("1h", ago(280), ago(210)),
    "90m": ("90m", ago(55), ago(30)),
}
RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
SHORT_RANGES = [("1m", "1d"), ("5m", "5d"), ("15m", "1mo"), ("60m", "3mo"), ("90m", "1mo")]


def yfinance() -> list[Call]:
    import yfinance as library

    library.set_tz_cache_location(SCRATCH.name)
    library.config.debug.hide_exceptions = False

    def history(symbol: str = "AAPL", auto_adjust: bool = False, **params: Any) -> Any:
        frame = library.Ticker(symbol).history(auto_adjust=auto_adjust, **params)
        return adjusted(frame) if auto_adjust or params.get("back_adjust") else frame

    def window(interval: str, start: Any, end: Any, symbol: str = "AAPL", **params: Any) -> Any:
        return history(symbol, interval=interval, start=start, end=end, **params)

    def download(symbols: list[str], **params: Any) -> Any:
        frame = library.download(symbols, progress=False, auto_adjust=False, **params)
        # As threads happen to end.
        return frame.sort_index(axis="columns")

    def ticker(read: Callable[[Any], Any], symbol: str = "AAPL") -> Callable[[], Any]:
        return lambda: read(library.Ticker(symbol))

    def fast(ticker: Any) -> dict[str, Any]:
        # The simulator knows no numbers of shares.
        names = [name for name in ticker.fast_info if name not in ("shares", "marketCap")]
        return {name: ticker.fast_info[name] for name in names}

    old = dict(interval="1m", start=ago(40), end=ago(38))
    return [
        # Ranges of a symbol of which nothing is known.
        *(Call(f"range {name} of {interval}, first of all", lambda n=name, i=interval: history("TSLA", period=n, interval=i),
               "newest") for interval, name in SHORT_RANGES),
        # Before its first window a symbol's time zone is asked for, which is one of the newest bars.
        *(Call(f"{symbol}, time zone and a window", lambda s=symbol: window("1d", "2024-02-01", "2024-03-01", s), "newest")
          for symbol in [*SYMBOLS, "NVDA", "TSLA"]),
        *(Call(name, lambda a=asked: window(*a)) for name, asked in (DAYS | HOURS).items()),
        *(Call(f"{name}, after a range", lambda a=asked: window(*a, "TSLA")) for name, asked in HOURS.items()),
        *(Call(f"{name}, extended", lambda a=HOURS[name]: window(*a, prepost=True)) for name in ["1m", "5m", "60m"]),
        *(Call(f"1d of {symbol}", lambda s=symbol: window("1d", "2023-06-01", "2024-02-01", s)) for symbol in SYMBOLS),
        *(Call(f"5m of {symbol}", lambda s=symbol: window("5m", ago(12), ago(6), s)) for symbol in SYMBOLS),
        *(Call(f"1wk of {symbol}", lambda s=symbol: window("1wk", "2023-01-01", "2023-07-01", s)) for symbol in SYMBOLS),
        *(Call(f"60m of {symbol}, extended", lambda s=symbol: window("60m", ago(90), ago(80), s, prepost=True))
          for symbol in SYMBOLS),
        Call("30m, put together from 15m", lambda: window("30m", ago(50), ago(25))),
        Call("1d, adjusted", lambda: window("1d", "2024-01-02", "2024-06-01", auto_adjust=True)),
        Call("1d, adjusted backwards", lambda: window("1d", "2024-01-02", "2024-06-01", back_adjust=True)),
        Call("1d, without actions", lambda: window("1d", "2024-01-02", "2024-06-01", actions=False)),
        Call("1d, rounded", lambda: window("1d", "2024-01-02", "2024-06-01", rounding=True)),
        Call("1d, small letters", lambda: window("1d", "2024-01-02", "2024-06-01", "aapl")),
        Call("1d, start and period", lambda: history(start="2023-12-01", period="3mo")),
        Call("1d, a weekend", lambda: window("1d", "2024-01-06", "2024-01-08"), "empty"),
        Call("5m, a weekend", lambda: window("5m", *weekend()), "empty"),
        Call("1d, before the listing", lambda: window("1d", "1970-01-01", "1971-01-01"), "other"),
        Call("several symbols, 1d", lambda: download(SYMBOLS[:4], start="2023-09-01", end="2024-02-01")),
        Call("several symbols, 15m", lambda: download(SYMBOLS[:3], start=ago(30), end=ago(24), interval="15m")),
        Call("several symbols, 1mo", lambda: download(SYMBOLS, period="1mo"), "newest"),
        *(Call(f"range {name}", lambda n=name: history(period=n), "newest") for name in RANGES),
        *(Call(f"range {name} of {interval}", lambda n=name, i=interval: history(period=n, interval=i), "newest")
          for interval, name in SHORT_RANGES),
        *(Call(f"range {name} of {interval}, extended",
               lambda n=name, i=interval: history(period=n, interval=i, prepost=True), "newest")
          for interval, name in SHORT_RANGES),
        *(Call(f"range 1mo of {symbol}", lambda s=symbol: history(s, period="1mo"), "newest") for symbol in SYMBOLS),
        *(Call(f"range 5d of 60m of {symbol}", lambda s=symbol: history(s, period="5d", interval="60m"), "newest")
          for symbol in SYMBOLS),
        Call("range 6mo of 1wk", lambda: history(period="6mo", interval="1wk"), "newest"),
        Call("range 5y of 1mo", lambda: history(period="5y", interval="1mo"), "newest"),
        Call("range max of 3mo", lambda: history(period="max", interval="3mo"), "newest"),
        Call("range of no name", lambda: history(period="10d"), "other"),
        # A symbol of its own: what comes first decides what is held.
        Call("15m, too old", lambda: window("15m", ago(90), ago(80), "NVDA"), "other"),
        Call("15m, after a refusal", lambda: window("15m", ago(30), ago(20), "NVDA")),
        Call("1m, too old, of a symbol not seen before", lambda: window("1m", ago(40), ago(38), "NVDA"), "other"),
        Call("1m, after a refusal", lambda: window("1m", ago(6), ago(2), "NVDA")),
        Call("5d", lambda: window("5d", "2023-01-02", "2024-01-01"), "newest"),
        Call("1d, start up to now", lambda: history(start="2026-01-02"), "newest"),
        Call("1d, end within today", lambda: window("1d", ago(9), ago(0) + timedelta(minutes=1), "BTC-USD"), "newest"),
        Call("1wk, start up to now", lambda: history(start="2026-01-02", interval="1wk"), "newest"),
        Call("1mo, start up to now", lambda: history(start="2026-01-02", interval="1mo"), "newest"),
        Call("1m, start up to now", lambda: history(start=ago(5), interval="1m"), "newest"),
        Call("15m, start up to now", lambda: history(start=ago(55), interval="15m"), "newest"),
        Call("dividends", ticker(lambda it: it.dividends, "IBM"), "newest"),
        Call("splits", ticker(lambda it: it.splits), "newest"),
        Call("actions", ticker(lambda it: it.actions), "newest"),
        *(Call(f"metadata of {symbol}", ticker(lambda it: dict(it.get_history_metadata()), symbol), "newest")
          for symbol in SYMBOLS),
        *(Call(f"fast info of {symbol}", ticker(fast, symbol), "newest") for symbol in SYMBOLS),
        *(Call(f"info of {symbol}", ticker(lambda it: it.info, symbol), "other") for symbol in SYMBOLS),
        Call("calendar", ticker(lambda it: it.calendar), "other"),
        Call("statements", ticker(lambda it: it.quarterly_income_stmt), "other"),
        Call("search", lambda: library.Search("toyota").quotes, "other"),
        Call("search, nothing found", lambda: library.Search("zzzz").quotes, "other"),
        Call("unknown symbol", lambda: history("NOPE", period="1mo"), "other"),
        Call("unknown symbol, with a window", lambda: window("1d", "2024-01-01", "2024-02-01", "NOPE"), "other"),
        Call("unknown symbol, info", ticker(lambda it: it.info, "NOPE"), "other"),
        Call("1m, too old", lambda: history(**old), "other"),
        Call("1m, too long", lambda: window("1m", ago(14), ago(2)), "other"),
        Call("5m, too old", lambda: window("5m", ago(90), ago(80)), "other"),
        Call("range max of 1m", lambda: history(period="1y", interval="1m"), "other"),
        Call("invalid interval", lambda: history(period="1mo", interval="7x"), "other"),
    ]


def yahooquery() -> list[Call]:
    import yahooquery as library

    def history(symbols: str = "MSFT", **params: Any) -> Any:
        return library.Ticker(symbols).history(**params)

    def window(interval: str, start: Any, end: Any, symbols: str = "MSFT", **params: Any) -> Any:
        frame = history(symbols, interval=interval, start=start, end=end, **params)
        return adjusted(frame) if params.get("adj_ohlc") else frame

    def about(symbols: str, name: str) -> Callable[[], Any]:
        return lambda: getattr(library.Ticker(symbols), name)

    every = " ".join(SYMBOLS)
    facts = ["price", "summary_detail", "quote_type", "quotes", "asset_profile", "financial_data", "key_stats"]
    return [
        # A range of a symbol of which nothing is known.
        Call("range 5d of 1m, first of all", lambda: history("NVDA", period="5d", interval="1m"), "newest"),
        Call("1m, after a range", lambda: window("1m", ago(14), ago(8), "NVDA")),
        *(Call(name, lambda a=asked: window(*a)) for name, asked in (DAYS | HOURS).items()),
        Call("1d, adjusted", lambda: window("1d", "2024-01-02", "2024-06-01", adj_ohlc=True)),
        Call("1d, in UTC", lambda: window("1d", "2024-01-02", "2024-06-01", adj_timezone=False)),
        Call("1d, small letters", lambda: window("1d", "2024-01-02", "2024-06-01", "msft")),
        Call("1d, a weekend", lambda: window("1d", "2024-01-06", "2024-01-08"), "empty"),
        Call("1d of all symbols", lambda: window("1d", "2023-06-01", "2024-02-01", every)),
        Call("1wk of all symbols", lambda: window("1wk", "2023-01-01", "2023-07-01", every)),
        Call("5m of all symbols", lambda: window("5m", ago(12), ago(6), every)),
        Call("one of the symbols unknown", lambda: window("1d", "2023-06-01", "2024-02-01", "AAPL NOPE"), "newest"),
        Call("at the same time", lambda: by_row(
            library.Ticker(every, asynchronous=True).history(start="2022-01-03", end="2022-12-30"))),
        Call("dividends", lambda: library.Ticker("IBM AAPL").dividend_history(start="2015-01-01", end="2024-01-01")),
        *(Call(f"range {name}", lambda n=name: history(period=n), "newest") for name in RANGES if name != "max"),
        *(Call(f"range {name} of {interval}", lambda n=name, i=interval: history(period=n, interval=i), "newest")
          for interval, name in SHORT_RANGES),
        Call("range 1mo of all symbols", lambda: history(every, period="1mo"), "newest"),
        # From 1942 to now.
        Call("range max", lambda: history("IBM", period="max"), "newest"),
        Call("range max of 1mo", lambda: history("^GSPC", period="max", interval="1mo"), "newest"),
        Call("range 1mo of 1m, in pieces", lambda: history(period="1mo", interval="1m"), "newest"),
        Call("1d, start up to now", lambda: history(start="2026-01-02"), "newest"),
        Call("1d, start up to now, of all symbols", lambda: history(every, start="2026-01-02"), "newest"),
        *(Call(name, about("AAPL ^GSPC BTC-USD", name), "other") for name in facts),
        Call("several modules", lambda: library.Ticker("AAPL VOD.L").get_modules("price summaryDetail quoteType"), "other"),
        Call("price of an unknown symbol", about("NOPE", "price"), "other"),
        Call("quotes, one unknown", about("AAPL NOPE", "quotes"), "other"),
        Call("search", lambda: untimed(library.search("apple")), "other"),
        Call("search, the first quote", lambda: library.search("toyota", first_quote=True), "other"),
        Call("unknown symbol", lambda: history("NOPE", period="1mo"), "other"),
        Call("1m, too old", lambda: window("1m", ago(40), ago(38)), "other"),
        Call("invalid range", lambda: history(period="7x"), "other"),
    ]


CLIENTS = {"yfinance": yfinance, "yahooquery": yahooquery}


def weekend() -> tuple[datetime, datetime]:
    """A Saturday and Sunday in New York, some weeks back."""
    saturday = ago(21 + (DAY.weekday() - 5) % 7, 12)
    return saturday, saturday + timedelta(days=1)


def adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    """Prices that were multiplied by adjusted closes have their noise: said in their names."""
    return frame.rename(columns={name: f"{name} (adjusted)" for name in frame.columns if name.lower() != "volume"})


def by_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_index()


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.lower().startswith(("timetaken", "totaltime"))}


def plain(value: Any) -> Any:
    """What a library returned, as JSON that leaves nothing out."""
    if isinstance(value, pd.Series):
        return plain(value.to_frame("value"))
    if isinstance(value, pd.DataFrame):
        return of_frame(value)
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and value != value:
        return "NaN"
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def of_frame(frame: pd.DataFrame) -> dict[str, Any]:
    names = [label(name) for name in frame.columns]
    rows: dict[str, Any] = {}
    for at, values in zip(frame.index, zip(*(frame.iloc[:, i].tolist() for i in range(len(names))))):
        name = label(at)
        while name in rows:
            name += ", once more"
        rows[name] = {column: plain(value) for column, value in zip(names, values)}
    return {
        "columns": {name: str(kind) for name, kind in zip(names, frame.dtypes)},
        "index": {label(name): str(frame.index.get_level_values(i).dtype) for i, name in enumerate(frame.index.names)},
        "rows": rows,
    }


def label(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def upstream_calls(counter: str) -> int:
    with urllib.request.urlopen(counter) as answer:
        return json.load(answer)["series"]


def answer_of(call: Call) -> Any:
    try:
        return plain(call.run())
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)}


def main() -> None:
    client, _, counter, _ = sys.argv[1:]
    curl_cffi.requests.Session = repointed(curl_cffi.requests)
    requests.Session = repointed(requests)
    calls, answers = CLIENTS[client](), []
    # The libraries switch some on, about what pandas will do one day.
    warnings.simplefilter("ignore")
    for call in calls:
        before = upstream_calls(counter)
        answer = answer_of(call)
        answers.append(
            {"name": call.name, "kind": call.kind, "answer": answer, "upstream": upstream_calls(counter) - before}
        )
    json.dump({"version": version(client), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
