"""Runs the calls of one client against one server and prints what came back, as JSON.

    python -m others.drive CLIENT BASE_URL COUNTER_URL DAY

Windows near now are counted back from DAY, so that all rounds ask the same.
"""

import importlib
import json
import logging
import sys
import urllib.request
import warnings
from datetime import date
from importlib.metadata import version
from typing import Any

from others.asked import Call, plain

# Where the calls of a client are; they are named after it.
MODULES = {
    "alpha_vantage": "alphavantage",
    "pycoingecko": "coingecko",
    "coingecko-sdk": "coingecko",
    "twelvedata": "twelvedata",
    "polygon-api-client": "polygon",
    "massive": "polygon",
    "tiingo": "tiingo",
    "alpaca-py": "alpaca",
    "finnhub-python": "finnhub",
    "fredapi": "fred",
}


def upstream_calls(counter: str) -> int:
    with urllib.request.urlopen(counter) as answer:
        return json.load(answer)["series"]


def answer_of(call: Call, base: str) -> Any:
    try:
        return plain(call.run())
    except Exception as error:
        # Some tell which address they asked.
        return {"error": type(error).__name__, "text": str(error).replace(base, "BASE")}


def main() -> None:
    client, base, counter, day = sys.argv[1:]
    module = importlib.import_module(f"others.calls.{MODULES[client]}")
    # What the libraries tell of answers they do not like is no part of them.
    logging.disable()
    warnings.simplefilter("ignore")
    answers = []
    for call in getattr(module, client.replace("-", "_"))(base, date.fromisoformat(day)):
        before = upstream_calls(counter)
        answer = answer_of(call, base)
        answers.append(
            {"name": call.name, "kind": call.kind, "answer": answer, "upstream": upstream_calls(counter) - before}
        )
    json.dump({"version": version(client), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
