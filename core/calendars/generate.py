#!/usr/bin/env python3
"""Writes sessions.txt, the calendar that finex-core compiles in, and ../tests/sessions.txt, a table to test it against.

    pip install exchange_calendars && python generate.py

The facts come from the exchange_calendars library (Apache-2.0); what it has too narrow is put right below. A calendar
here may be open where the market was closed, which costs a call; the other way round would cost bars.
"""

from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import exchange_calendars
from exchange_calendars import get_calendar

# The library extends its rules for ever, but nobody has decided on hours and holidays so far ahead.
FIRST, LAST = 1990, 2030
HERE = Path(__file__).resolve().parent
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# The names that providers have for an exchange: MICs, Yahoo's codes and their long forms, Twelve Data's, Tiingo's. Not
# here, because they move outside the exchange's hours: Yahoo's OPR (options), NAS (funds), WCB and CXI (indices).
NAMES = {
    "XNYS": "NYSE, NYQ, NYS, XNAS, NASDAQ, NASDAQ Global, NMS, NGM, NCM, XNGS, XNMS, XNCM, NasdaqGS, NasdaqGM,"
    " NasdaqCM, XASE, ASE, AMEX, NYSE American, NYSE MKT, ARCX, PCX, ARCA, NYSE ARCA, NYSEArca, BATS, BTS, BZX,"
    " Cboe US, IEX, IEXG, OTC, OTCM, PINX, PNK, OTC Markets OTCPK, OQB, OTC Markets OTCQB, OQX, OTC Markets OTCQX,"
    " DJI, SNP, NIM, Nasdaq GIDS",
    "XLON": "LSE, LON, London, London Stock Exchange, AIMX",
    "XETR": "GER, XETRA, ETR",
    "XFRA": "FRA, FSX, Frankfurt",
    "XTKS": "JPX, XJPX, TYO, TSE, Tokyo",
    "XHKG": "HKG, HKSE, HKEX, SEHK, Hong Kong",
}

# (exchange, since, until, hours) where the library knows only later hours.
# Hong Kong: HKEX news releases of 2010-11-23 and 2012-03-01. Xetra closed at 20:00 from June 2000 until November 2003
# (Deutsche Welle, 2003-11-03). Frankfurt's floor is not Xetra (boerse-frankfurt.de): its widest hours stand for all.
CORRECTIONS = [
    ("XHKG", date(1990, 1, 1), date(2011, 3, 6), "10:00-12:30,14:30-16:00"),
    ("XHKG", date(2011, 3, 7), date(2012, 3, 4), "09:30-12:00,13:30-16:00"),
    ("XETR", date(2000, 6, 2), date(2003, 10, 31), "09:00-20:00"),
    ("XFRA", date(1990, 1, 1), date(LAST, 12, 31), "08:00-22:00"),
]

# Whose half days the library takes from another market.
WIDE = ["XFRA"]

# Markets that have no holidays. Foreign exchange opens on Sunday and closes five days later: the week in
# which its first year begins opened in the year before.
ALWAYS = """\
exchange 24/5
names FOREX, FX, FXCM, CCY, OANDA, Physical Currency
zone America/New_York
years 1971-2199
week sun
hours 1970-01-01 17:00-17:00+5

exchange 24/7
names CCC, Crypto, Cryptocurrency, Binance, Bitfinex, Bitstamp, Bittrex, Bybit, Coinbase, Coinbase Pro, GDAX, Gemini,\
 HitBTC, Huobi, Kraken, KuCoin, OKX, Poloniex
zone UTC
years 1970-2199
week mon tue wed thu fri sat sun
hours 1970-01-01 00:00-00:00+1
"""

HEADER = """\
# Sessions of exchanges, on their own clocks. Written by generate.py: change that, not this.
# Source: exchange_calendars {version}, https://github.com/gerrymanoim/exchange_calendars, Apache-2.0 (facts of it, no
# code), with corrections that generate.py names.
#
# exchange   its MIC, or 24/5 and 24/7
# names      what providers call it
# zone, years, week    its clock, the years that are known, the days on which it opens
# hours      since a day: open-close, or open-lunch,lunch-close; +5 is five days later
# a year     what is unlike the rest: a day without hours is closed, one with hours has those
"""

# Years whose every session is written into the table; the library's own hours are right in all of them.
TABLE = {"XNYS": [2001, 2012], "XLON": [2002, 2022], "XHKG": [2016], "XETR": [2015], "XTKS": [2009]}
TABLE_ALL = [2013, 2019, 2020, 2024, 2026]


def written(row, clock):
    """The hours of one row of the library's schedule, as clock writes its instants."""
    parts = [(row.open, row.close)]
    if row.break_start == row.break_start:  # NaT differs from itself
        parts = [(row.open, row.break_start), (row.break_end, row.close)]
    return ",".join(f"{clock(a):%H:%M}-{clock(b):%H:%M}" for a, b in parts)


def held(times, day):
    """Which of the library's (since, time) held on a day."""
    kept = [time for since, time in times or [] if since is None or since.date() <= day]
    return f"{kept[-1]:%H:%M}" if kept else None


def regular(calendar, day):
    """The library's regular hours of a day."""
    opens, closes = held(calendar.open_times, day), held(calendar.close_times, day)
    lunch, back = held(calendar.break_start_times, day), held(calendar.break_end_times, day)
    return f"{opens}-{lunch},{back}-{closes}" if lunch else f"{opens}-{closes}"


def corrected(mic, day, hours):
    return next((new for name, since, until, new in CORRECTIONS if name == mic and since <= day <= until), hours)


def exchange(mic, calendar):
    """One exchange's part of sessions.txt."""
    local = lambda ts: ts.tz_convert(calendar.tz)
    sessions = {row.Index.date(): written(row, local) for row in calendar.schedule.itertuples()}
    first = min(sessions).year
    days = [date(first, 1, 1) + timedelta(n) for n in range((date(LAST + 1, 1, 1) - date(first, 1, 1)).days)]
    lines = [f"exchange {mic}", f"names {NAMES[mic]}", f"zone {calendar.tz.key}", f"years {first}-{LAST}"]
    lines.append("week " + " ".join(day for day, opens in zip(WEEK, calendar.weekmask) if opens == "1"))
    for hours, run in groupby(days, lambda day: corrected(mic, day, regular(calendar, day))):
        lines.append(f"hours {next(run)} {hours}")
    for year, run in groupby(days, lambda day: day.year):
        unlike = []
        for day in run:
            hours, opens = sessions.get(day), calendar.weekmask[day.weekday()] == "1"
            if hours is None and opens:
                unlike.append(f"{day:%m-%d}")
            elif hours and not (opens and (hours == regular(calendar, day) or mic in WIDE)):
                unlike.append(f"{day:%m-%d}@{hours}")
        lines.append(" ".join([str(year), *unlike]))
    return "\n".join(lines) + "\n"


def table(mic, calendar):
    """What the library says of an exchange, in UTC: sessions in each year, and some years day by day."""
    rows = list(calendar.schedule.itertuples())
    for year, run in groupby(rows, lambda row: row.Index.year):
        yield f"{mic} {year} {len(list(run))}"
    if mic == "XFRA":
        return
    chosen = [row for row in rows if row.Index.year in TABLE[mic] + TABLE_ALL]
    key = lambda row: (f"{row.Index:%Y-%m}", written(row, lambda ts: ts))
    for (month, hours), run in groupby(sorted(chosen, key=key), key):
        yield f"{mic} {month} {hours} " + " ".join(f"{row.Index:%d}" for row in run)


def main():
    parts, rows = [HEADER.format(version=exchange_calendars.__version__)], []
    for mic in NAMES:
        first = FIRST if mic != "XTKS" else 1997  # the library knows Tokyo from then on
        calendar = get_calendar(mic, start=f"{first}-01-01", end=f"{LAST}-12-31")
        parts.append(exchange(mic, calendar))
        rows.extend(table(mic, calendar))
    (HERE / "sessions.txt").write_text("\n".join([*parts, ALWAYS]))
    head = "# Sessions in UTC as exchange_calendars has them, written by ../calendars/generate.py: how many in a\n"
    head += "# year, and on which days of a month at which hours."
    (HERE.parent / "tests/sessions.txt").write_text("\n".join([head, *rows, ""]))


if __name__ == "__main__":
    main()
