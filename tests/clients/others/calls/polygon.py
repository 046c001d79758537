"""Polygon and its successor Massive, whose libraries differ in their name only."""

import re
from datetime import date
from typing import Any

from others.asked import Call, calls, date_before


def span(multiplier: int, timespan: str, since: Any, until: Any, **more: Any) -> dict[str, Any]:
    return dict(multiplier=multiplier, timespan=timespan, from_=since, to=until, **more)


WINDOWS = {
    "days": span(1, "day", "2024-01-02", "2024-03-28"),
    "days, a part of what was asked": span(1, "day", "2024-02-01", "2024-02-15"),
    "days, overlapping": span(1, "day", "2024-03-15", "2024-05-15"),
    "days, more than asked before": span(1, "day", "2023-11-01", "2024-07-01"),
    "days, again": span(1, "day", "2024-01-02", "2024-03-28"),
    "days, newest first": span(1, "day", "2024-01-02", "2024-03-28", sort="desc"),
    "days, the first of a window": span(1, "day", "2024-01-02", "2024-03-28", limit=10),
    "days, the last of a window": span(1, "day", "2024-01-02", "2024-03-28", limit=10, sort="desc"),
    "days before a split": span(1, "day", "2021-06-01", "2021-08-10", ticker="NVDA"),
    "days before a split, as traded": span(1, "day", "2021-06-01", "2021-08-10", ticker="NVDA", adjusted=False),
    "weeks": span(1, "week", "2023-01-01", "2024-01-01"),
    "months": span(1, "month", "2022-01-01", "2024-01-01"),
    "quarters": span(1, "quarter", "2020-01-01", "2024-01-01"),
    "hours": span(1, "hour", "2024-02-01", "2024-02-07"),
    "hours, a part of what was asked": span(1, "hour", "2024-02-05", "2024-02-06"),
    "minutes": span(1, "minute", "2024-02-06", "2024-02-07"),
    "minutes, by milliseconds": span(1, "minute", 1707231600000, 1707238800000),
    "5 minutes": span(5, "minute", "2024-02-05", "2024-02-09"),
    "5 minutes, starting within a bar": span(5, "minute", 1707231720000, 1707238800000),
    "coin, days": span(1, "day", "2024-01-01", "2024-03-01", ticker="X:BTCUSD"),
    "coin, hours": span(1, "hour", "2024-02-01", "2024-02-03", ticker="X:BTCUSD"),
    "currencies, days": span(1, "day", "2024-01-01", "2024-03-01", ticker="C:EURUSD"),
    "currencies, 15 minutes": span(15, "minute", "2024-02-05", "2024-02-07", ticker="C:EURUSD"),
}
FORWARDED = {"two days as one": span(2, "day", "2024-01-02", "2024-02-15")}
PAGES = {
    "days, by pages": span(1, "day", "2024-01-02", "2024-03-28", limit=10),
    "days, by pages, newest first": span(1, "day", "2024-01-02", "2024-03-28", limit=25, sort="desc"),
    "hours, by pages": span(1, "hour", "2024-02-01", "2024-02-29", limit=2000),
    "minutes, by pages": span(1, "minute", "2024-02-06", "2024-02-07", limit=500),
    "days of another stock, by pages first": span(1, "day", "2023-01-03", "2023-06-30", limit=40, ticker="MSFT"),
    "as traded, by pages": span(1, "day", "2021-06-01", "2021-08-10", ticker="NVDA", adjusted=False, limit=15),
}
EMPTY = {
    "a weekend": span(1, "day", "2024-01-06", "2024-01-07"),
    "minutes of a night": span(1, "minute", 1707282000000, 1707285600000),
}
MISTAKES = {
    "unknown symbol": span(1, "day", "2024-01-02", "2024-03-28", ticker="NOPE"),
    "small letters": span(1, "day", "2024-01-02", "2024-03-28", ticker="aapl"),
    "invalid timespan": span(1, "fortnight", "2024-01-02", "2024-03-28"),
    "not in the plan": span(1, "second", "2024-01-02", "2024-01-03"),
    "end before the beginning": span(1, "day", "2024-03-28", "2024-01-02"),
    "a date that is none": span(1, "day", "soon", "2024-01-02"),
}


def polygon_api_client(base: str, day: date) -> list[Call]:
    from polygon import RESTClient

    return of(RESTClient("demo-key", base=base), day)


def massive(base: str, day: date) -> list[Call]:
    from massive import RESTClient

    return of(RESTClient("demo-key", base=base), day)


def anonymous(text: str) -> str:
    """Every request has an id of its own, and so have links a host and what is in their cursors."""
    return re.sub(r'"(request_id|next_url)":"[^"]*"', r'"\1":""', text)


def uncounted(text: str) -> str:
    """Without the number of minutes or days of which longer bars are made: the bars themselves do not tell it."""
    return re.sub(r'"queryCount":\d+', '"queryCount":0', text)


def of(client: Any, day: date) -> list[Call]:
    def text(ticker: str = "AAPL", **params: Any) -> str:
        """The answer as it came."""
        try:
            answer = anonymous(client.get_aggs(ticker, raw=True, **params).data.decode())
        except Exception as error:
            raise type(error)(anonymous(str(error)))
        return answer if (params["multiplier"], params["timespan"]) in [(1, "day"), (1, "minute")] else uncounted(answer)

    def bars(ticker: str = "AAPL", **params: Any) -> Any:
        return client.get_aggs(ticker, **params)

    def pages(ticker: str = "AAPL", **params: Any) -> Any:
        return list(client.list_aggs(ticker, **params))

    def now(timespan: str, days: int, multiplier: int = 1, until: int = 0, **more: Any) -> dict[str, Any]:
        return span(multiplier, timespan, date_before(day, days), date_before(day, until), **more)

    recent = {
        "days up to now": now("day", 60),
        "days up to now, newest first": now("day", 400, sort="desc", limit=120),
        "weeks up to now": now("week", 300),
        "5 minutes up to now": now("minute", 5, 5, limit=50000),
        "hours of a coin up to now": now("hour", 3, ticker="X:BTCUSD", limit=50000),
    }
    # Windows that begin before the newest rows of those that are asked for the newest ones first, or lie in them.
    later = {
        "days, after the newest": now("day", 400, until=100, ticker="TSLA"),
        "days, newest first, after the newest": now("day", 200, until=150, ticker="TSLA", sort="desc"),
        "coin, hours, after the newest": now("hour", 32, until=30, ticker="X:SOLUSD"),
    }
    return [
        *calls(text, WINDOWS),
        Call("days, as objects", lambda: bars(**WINDOWS["days"])),
        *calls(pages, PAGES),
        *calls(text, FORWARDED, "forwarded"),
        *calls(text, EMPTY, "empty"),
        *calls(bars, recent, "newest"),
        Call("newest days of another stock", lambda: bars(**now("day", 250, ticker="TSLA", sort="desc")), "newest"),
        Call("newest hours of another coin", lambda: bars(**now("hour", 31, ticker="X:SOLUSD", limit=50000)), "newest"),
        *calls(text, later),
        Call("hours up to now, by pages", lambda: pages(**now("hour", 20, limit=3000)), "newest"),
        Call("close before", lambda: client.get_previous_close_agg("AAPL"), "other"),
        Call("all stocks of a day", lambda: client.get_grouped_daily_aggs("2024-02-06"), "other"),
        Call("open and close", lambda: client.get_daily_open_close_agg("AAPL", "2024-02-06"), "other"),
        Call("splits", lambda: list(client.list_splits("NVDA")), "other"),
        Call("dividends", lambda: list(client.list_dividends("IBM", limit=1000)), "other"),
        *calls(text, MISTAKES, "other"),
    ]
