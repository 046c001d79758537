"""Opens a data directory of finex with DuckDB, Polars and pandas, and checks that all three see the same, right bars.

    open_store.py DATA_DIR PROVIDER_URL

PROVIDER_URL is asked for one window of one series, to compare closes with.
"""

import json
import sys
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

PARTITIONS = {"provider", "interval", "symbol", "currency", "variant"}
NUMBERS = ["open", "high", "low", "close", "volume"]
SYMBOL, INTERVAL, VARIANT = "BTCUSDT", "1h", "endpoint=klines"
START, ROWS = 1_685_577_600_000, 500  # 2023-06-01
READERS = ["DuckDB", "Polars", "pandas"]


@dataclass
class Check:
    name: str
    passed: bool
    detail: str = ""


@dataclass
class Store:
    """What one reader sees. `closes` has open time in milliseconds and close of the window asked of the provider."""

    rows: int
    columns: set[str]
    time: str
    numbers: dict[str, str]
    per_series: dict[tuple[str, ...], int]
    closes: list[tuple[int, float]]


def attempt(name: str, work: Callable[[], Any]) -> Check:
    try:
        work()
        return Check(name, True)
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def opened_plainly(root: Path) -> list[Check]:
    """What somebody would type first, without options about differing columns."""
    files = str(root / "**" / "*.parquet")
    duck = lambda: duckdb.sql(f"select * from read_parquet('{files}', hive_partitioning=true)").fetchall()
    polars = lambda: pl.read_parquet(files, hive_partitioning=True)
    pandas = lambda: pd.read_parquet(root)
    return [attempt(f"{reader} opens all files", read) for reader, read in zip(READERS, [duck, polars, pandas])]


def with_duckdb(root: Path) -> Store:
    files = str(root / "**" / "*.parquet")
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(
        f"create view bars as from read_parquet('{files}', hive_partitioning=true, union_by_name=true)"
    )
    types = {name: kind for name, kind, *_ in connection.execute("describe bars").fetchall()}
    per_series = connection.execute("select symbol, interval, variant, count(*) from bars group by all").fetchall()
    closes = connection.execute(
        "select epoch_ms(timestamp), close from bars where symbol = ? and interval = ? and variant = ?"
        " and epoch_ms(timestamp) >= ? order by timestamp limit ?",
        [SYMBOL, INTERVAL, VARIANT, START, ROWS],
    ).fetchall()
    return Store(
        rows=connection.execute("select count(*) from bars").fetchall()[0][0],
        columns=set(types),
        time={"TIMESTAMP WITH TIME ZONE": "UTC"}.get(types["timestamp"], types["timestamp"]),
        numbers={name: {"DOUBLE": "float64"}.get(types[name], types[name]) for name in NUMBERS},
        per_series={tuple(key): rows for *key, rows in per_series},
        closes=closes,
    )


def with_polars(root: Path) -> Store:
    files = str(root / "**" / "*.parquet")
    # Some files have columns that others lack; these checks need none of them.
    scan = pl.scan_parquet(files, hive_partitioning=True, missing_columns="insert", extra_columns="ignore")
    bars = scan.collect()
    per_series = bars.group_by("symbol", "interval", "variant").len().rows()
    window = bars.filter(
        (pl.col("symbol") == SYMBOL)
        & (pl.col("interval") == INTERVAL)
        & (pl.col("variant") == VARIANT)
        & (pl.col("timestamp").dt.epoch("ms") >= START)
    )
    closes = window.sort("timestamp").head(ROWS).select(pl.col("timestamp").dt.epoch("ms"), "close").rows()
    return Store(
        rows=bars.height,
        columns=set(bars.columns),
        time=str(bars.schema["timestamp"].time_zone),
        numbers={name: {"Float64": "float64"}.get(str(bars.schema[name]), str(bars.schema[name])) for name in NUMBERS},
        per_series={tuple(key): rows for *key, rows in per_series},
        closes=closes,
    )


def with_pandas(root: Path) -> Store:
    source = dataset.dataset(root, format="parquet", partitioning="hive")
    bars = source.to_table().to_pandas()
    per_series = bars.astype({"symbol": str, "interval": str, "variant": str})
    per_series = per_series.groupby(["symbol", "interval", "variant"]).size()
    opens = pd.to_datetime(START, unit="ms", utc=True)
    window = bars[(bars.symbol == SYMBOL) & (bars.interval == INTERVAL) & (bars.variant == VARIANT)]
    window = window[window.timestamp >= opens].sort_values("timestamp").head(ROWS)
    times = window.timestamp.astype("datetime64[ms, UTC]").astype("int64")
    return Store(
        rows=len(bars),
        columns=set(bars.columns),
        time=str(bars.timestamp.dt.tz),
        numbers={name: str(bars[name].dtype) for name in NUMBERS},
        per_series={tuple(key): rows for key, rows in per_series.items()},
        closes=list(zip(times.tolist(), window.close.tolist())),
    )


def from_provider(url: str) -> list[tuple[int, float]]:
    query = f"symbol={SYMBOL}&interval={INTERVAL}&startTime={START}&limit={ROWS}"
    with urllib.request.urlopen(f"{url}/api/v3/klines?{query}") as answer:
        return [(row[0], float(row[4])) for row in json.load(answer)]


def first_difference(ours: list[Any], theirs: list[Any]) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} rows instead of {len(theirs)}"
    return next((f"{a} instead of {b}" for a, b in zip(ours, theirs) if a != b), "")


def checks_of(reader: str, store: Store, closes: list[tuple[int, float]]) -> list[Check]:
    missing = sorted(PARTITIONS - store.columns)
    kinds = {name: kind for name, kind in store.numbers.items() if kind != "float64"}
    difference = first_difference([tuple(row) for row in store.closes], closes)
    return [
        Check(f"{reader}: timestamps are in UTC", store.time == "UTC", store.time),
        Check(f"{reader}: prices and volume are float64", not kinds, str(kinds)),
        Check(f"{reader}: partition columns", not missing, f"missing {missing}"),
        Check(f"{reader}: {len(closes)} closes as the provider's", not difference, difference),
    ]


def files_themselves(root: Path) -> list[Check]:
    # Whether a reader stumbles over differing columns depends on which file it meets first: hence asked here too.
    schemas = [parquet.read_schema(file) for file in sorted(root.rglob("*.parquet"))]
    columns = Counter(tuple(schema.names) for schema in schemas)
    kinds = {str(schema.field("timestamp").type) for schema in schemas}
    common = set.intersection(*(set(names) for names in columns)) if columns else set()
    extra = "; ".join(f"{n} files with {sorted(set(names) - common)}" for names, n in columns.items())
    twice = duckdb.sql(
        f"select symbol, currency, interval, variant, timestamp from read_parquet('{root}/**/*.parquet', hive_partitioning=true,"
        " union_by_name=true) group by all having count(*) > 1 limit 5"
    ).fetchall()
    return [
        Check("all files have the same columns", len(columns) == 1, f"beside the common ones: {extra}"),
        Check("every file has timestamps in milliseconds, UTC", kinds == {str(pa.timestamp("ms", "UTC"))}, str(kinds)),
        Check("no bar is stored twice", not twice, str(twice)),
    ]


def agreement(stores: dict[str, Store]) -> list[Check]:
    rows = {reader: store.rows for reader, store in stores.items()}
    first, *others = (store.per_series for store in stores.values())
    alike = all(other == first for other in others)
    return [
        Check("all see as many rows", len(set(rows.values())) == 1 and 0 not in rows.values(), str(rows)),
        Check("all see as many rows in each series", alike, str([sorted(store.per_series)[:3] for store in stores.values()])),
    ]


def check(root: Path, url: str) -> list[Check]:
    closes = from_provider(url)
    checks = opened_plainly(root)
    stores: dict[str, Store] = {}
    for reader, read in zip(READERS, [with_duckdb, with_polars, with_pandas]):
        try:
            stores[reader] = read(root)
            checks += checks_of(reader, stores[reader], closes)
        except Exception as error:
            checks.append(Check(f"{reader}: reads the store", False, f"{type(error).__name__}: {error}"))
    return checks + files_themselves(root) + (agreement(stores) if len(stores) == len(READERS) else [])


def report(checks: list[Check]) -> None:
    for one in checks:
        print(f"  {'ok  ' if one.passed else 'FAIL'} {one.name}{'' if one.passed else ': ' + one.detail}")


def main() -> int:
    checks = check(Path(sys.argv[1]), sys.argv[2])
    report(checks)
    failed = sum(not one.passed for one in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
