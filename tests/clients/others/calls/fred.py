"""FRED, which is handed on as it is: nothing of it is kept."""

from datetime import date
from typing import Any

from fredapi import Fred

from others.asked import Call, calls

SERIES = {
    "days": dict(series_id="DGS10", observation_start="2024-01-01", observation_end="2024-03-31"),
    "days, a part of what was asked": dict(series_id="DGS10", observation_start="2024-02-01", observation_end="2024-02-15"),
    "months": dict(series_id="UNRATE", observation_start="2020-01-01", observation_end="2023-12-31"),
    "months, all": dict(series_id="UNRATE"),
    "quarters": dict(series_id="GDP", observation_start="2015-01-01"),
    "quarters, as changes": dict(series_id="GDP", observation_start="2015-01-01", units="pch"),
    "days, newest first": dict(series_id="DGS10", observation_start="2024-01-01", sort_order="desc", limit=20),
}


def fredapi(base: str, day: date) -> list[Call]:
    # In capitals it would not be taken.
    client = Fred(api_key="abcdefghijklmnopqrstuvwxyz123456")
    client.root_url = base + "/fred"

    def series(**asked: Any) -> Any:
        return client.get_series(**asked)

    return [
        *calls(series, SERIES, "forwarded"),
        Call("information", lambda: client.get_series_info("GDP"), "other"),
        Call("search", lambda: client.search("unemployment"), "other"),
        Call("unknown series", lambda: client.get_series("NOPE"), "other"),
        Call("units that are not offered", lambda: client.get_series("GDP", units="furlongs"), "other"),
    ]
