"""Alpha Vantage has no windows: all that is settled are months within days."""

from datetime import date
from typing import Any

from alpha_vantage.alphavantage import AlphaVantage
from alpha_vantage.cryptocurrencies import CryptoCurrencies
from alpha_vantage.foreignexchange import ForeignExchange
from alpha_vantage.timeseries import TimeSeries

from others.asked import Call, calls, date_before

MONTHS = {
    "5min of a month": dict(interval="5min", month="2024-02", outputsize="full"),
    "5min of a month, again": dict(interval="5min", month="2024-02", outputsize="full"),
    "5min of a month, compact": dict(interval="5min", month="2024-02"),
    "5min of a month, regular hours": dict(interval="5min", month="2024-02", outputsize="full", extended_hours="false"),
    "15min of a month, compact first": dict(interval="15min", month="2024-01"),
    "15min of a month, full": dict(interval="15min", month="2024-01", outputsize="full"),
    "60min of a month before a split": dict(symbol="NVDA", interval="60min", month="2021-06", outputsize="full"),
    "60min of a month before a split, as traded": dict(
        symbol="NVDA", interval="60min", month="2021-06", outputsize="full", adjusted="false"
    ),
    "60min of the month of a split": dict(symbol="NVDA", interval="60min", month="2024-06", outputsize="full"),
    "1min of a month, compact": dict(interval="1min", month="2023-11"),
}


def alpha_vantage(base: str, day: date) -> list[Call]:
    AlphaVantage._ALPHA_VANTAGE_API_URL = base + "/query?"
    stocks = {form: TimeSeries("demo-key", output_format=form) for form in ["json", "pandas", "csv"]}
    coins, pairs = ({form: kind("demo-key", output_format=form) for form in ["json", "pandas"]}
                    for kind in [CryptoCurrencies, ForeignExchange])
    frames, texts = stocks["pandas"], stocks["json"]

    def intraday(symbol: str = "IBM", form: str = "pandas", **params: Any) -> Any:
        return stocks[form].get_intraday(symbol, **params)

    def csv(answer: Any) -> Any:
        return list(answer[0])

    def past(answer: Any) -> Any:
        """Without the newest row: prices of currencies swing by their last digits only."""
        rows, meta = answer
        meta = {name: value for name, value in meta.items() if "Last Refreshed" not in name}
        return (rows.iloc[1:] if hasattr(rows, "iloc") else dict(list(rows.items())[1:])), meta

    def rates(name: str, *asked: str, form: str = "json") -> Any:
        return past(getattr(pairs[form], f"get_currency_exchange_{name}")(*asked))

    # A month that is over.
    lately = date_before(day, 40)[:7]
    march = dict(interval="5min", month="2024-03", outputsize="full")
    return calls(intraday, MONTHS) + [
        Call("5min of a month, as JSON", lambda: intraday(form="json", **march)),
        Call("5min of a month, as CSV", lambda: csv(intraday(form="csv", **march))),
        Call("daily, compact", lambda: frames.get_daily("IBM"), "newest"),
        Call("daily, full", lambda: frames.get_daily("IBM", outputsize="full"), "newest"),
        Call("daily, compact, as JSON", lambda: texts.get_daily("IBM"), "newest"),
        Call("daily, full, as CSV", lambda: csv(stocks["csv"].get_daily("IBM", outputsize="full")), "newest"),
        Call("daily, full first", lambda: texts.get_daily("MSFT", outputsize="full"), "newest"),
        Call("daily, compact after full", lambda: texts.get_daily("MSFT"), "newest"),
        Call("daily, adjusted, compact", lambda: frames.get_daily_adjusted("AAPL"), "newest"),
        Call("daily, adjusted, full", lambda: texts.get_daily_adjusted("AAPL", outputsize="full"), "newest"),
        Call("weekly", lambda: texts.get_weekly("IBM"), "newest"),
        Call("weekly, adjusted", lambda: frames.get_weekly_adjusted("IBM"), "newest"),
        Call("weekly, adjusted, as CSV", lambda: csv(stocks["csv"].get_weekly_adjusted("AAPL")), "newest"),
        Call("monthly", lambda: frames.get_monthly("IBM"), "newest"),
        Call("monthly, adjusted", lambda: texts.get_monthly_adjusted("IBM"), "newest"),
        Call("15min, compact", lambda: intraday(interval="15min"), "newest"),
        Call("60min, full", lambda: intraday(interval="60min", outputsize="full"), "newest"),
        Call("60min, full, of another stock", lambda: intraday("TSLA", interval="60min", outputsize="full"), "newest"),
        Call("60min of a month, after the newest", lambda: intraday("TSLA", interval="60min", month=lately)),
        Call("currencies, daily", lambda: rates("daily", "EUR", "USD"), "newest"),
        Call("currencies, daily, full", lambda: rates("daily", "EUR", "USD", "full", form="pandas"), "newest"),
        Call("currencies, weekly", lambda: rates("weekly", "EUR", "USD"), "newest"),
        Call("currencies, monthly", lambda: rates("monthly", "USD", "JPY"), "newest"),
        Call("currencies, 60min", lambda: rates("intraday", "EUR", "USD", "60min"), "newest"),
        Call("coin, daily", lambda: coins["pandas"].get_digital_currency_daily("BTC", "USD"), "newest"),
        Call("coin, weekly", lambda: coins["json"].get_digital_currency_weekly("BTC", "USD"), "newest"),
        Call("coin, monthly", lambda: coins["json"].get_digital_currency_monthly("BTC", "EUR"), "newest"),
        Call("coin, 15min", lambda: coins["json"].get_crypto_intraday("ETH", "USD", "15min"), "newest"),
        Call("quote", lambda: texts.get_quote_endpoint("IBM"), "other"),
        Call("search", lambda: frames.get_symbol_search("micro"), "other"),
        Call("exchange rate", lambda: pairs["json"].get_currency_exchange_rate("EUR", "USD"), "other"),
        Call("quote of an unknown symbol", lambda: texts.get_quote_endpoint("NOPE"), "other"),
        Call("unknown symbol", lambda: texts.get_daily("NOPE"), "other"),
        Call("unknown symbol, within a day", lambda: intraday("NOPE", interval="5min", month="2024-02"), "other"),
        Call("invalid interval", lambda: intraday(interval="7min"), "other"),
        Call("invalid month", lambda: intraday(interval="5min", month="2024-13"), "other"),
        Call("invalid size", lambda: texts.get_daily("IBM", outputsize="huge"), "other"),
    ]
