"""A simulator and a gateway with a shim between it and its disk."""

import contextlib
import json
import mmap
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(os.environ["FINEX_BIN"])
WORK = Path(os.environ["STRESS_WORK"])
MOUNTED = ["alphavantage", "coingecko", "twelvedata", "polygon", "tiingo", "alpaca", "finnhub"]
LIMITS = ["CALLS-1S", "CALLS-1M", "CALLS-1H", "CALLS-1D", "CREDITS-1M", "CREDITS-1D"]
# Places of the control file, as in shim.c.
OPEN, READ, WRITE, FSYNC, RENAME, ERROR, CLOCK, SEED = range(8)
HOUR, DAY = 3_600_000, 86_400_000
HALT = 1_518_048_000_000


def questions(chance: random.Random, count: int) -> list[str]:
    """Windows that are settled for long, of several providers."""

    def binance() -> str:
        symbol, interval, length = chance.choice([("BTCUSDT", "1h", HOUR), ("ETHUSDT", "1d", DAY), ("SOLUSDT", "1m", 60_000)])
        start = chance.choice([HALT, 1_640_995_200_000]) + chance.randrange(0, 400) * length
        return f"/binance/api/v3/klines?symbol={symbol}&interval={interval}&startTime={start}&limit={chance.randrange(1, 900)}"

    def yahoo() -> str:
        start = 1_500_000_000 + chance.randrange(0, 1_500) * 86_400
        symbol = chance.choice(["AAPL", "7203.T", "BTC-USD"])
        return f"/yahoo/v8/finance/chart/{symbol}?period1={start}&period2={start + chance.randrange(2, 300) * 86_400}&interval=1d&events=div,splits"

    def polygon() -> str:
        month, days = chance.randrange(1, 12), chance.randrange(1, 28)
        return f"/polygon/v2/aggs/ticker/{chance.choice(['AAPL', 'MSFT'])}/range/1/day/2023-{month:02}-01/2023-{month + 1:02}-{days:02}?adjusted=false"

    def tiingo() -> str:
        month = chance.randrange(1, 12)
        return f"/tiingo/tiingo/daily/IBM/prices?startDate=2022-{month:02}-03&endDate=2022-{month + 1:02}-20"

    kinds = [binance, binance, yahoo, polygon, tiingo]
    return [chance.choice(kinds)() for _ in range(count)]


def fetch(url: str, patience: float = 20) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=patience) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (urllib.error.URLError, ConnectionError, TimeoutError, socket.timeout, OSError):
        return 0, ""


def comparable(body: str) -> object:
    """Without names of single answers, and without what a chart says of the market now."""
    body = re.sub(r'"(request_id|next_url)":"[^"]*"', "", re.sub(r'"queryCount":\d+', "", body))
    if body.startswith('{"chart"'):
        result = (json.loads(body)["chart"]["result"] or [{}])[0]
        return [result.get("timestamp"), result.get("indicators"), result.get("events")]
    return body


def alike(a: object, b: object) -> bool:
    """Yahoo tells the same price with other last digits each time."""
    match a, b:
        case dict(), dict():
            return a.keys() == b.keys() and all(alike(a[name], b[name]) for name in a)
        case list(), list():
            return len(a) == len(b) and all(map(alike, a, b))
        case float() | int(), float() | int():
            return abs(a - b) <= 1e-5 * abs(b)
    return a == b


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stand:
    """One simulator, one folder, and gateways on it one after the other."""

    def __init__(self, name: str, seed: int, data: Path | None = None) -> None:
        self.home = WORK / f"{name}-{seed}-{time.monotonic_ns()}"
        self.home.mkdir()
        self.data = data or self.home / "data"
        self.log, self.journal, self.control_file = (self.home / n for n in ["log", "journal", "control"])
        self.control_file.write_bytes(bytes(64))
        with self.control_file.open("r+b") as file:
            self.control = mmap.mmap(file.fileno(), 64)
        self.set(SEED, seed)
        self.sim = subprocess.Popen([BIN / "finex-sim", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.upstream = self.sim.stdout.readline().strip()
        self.gateway: subprocess.Popen[str] | None = None
        self.chance = random.Random(seed)
        self.truths: dict[str, tuple[int, object]] = {}
        self.answers = self.wrong = self.failed = 0

    def set(self, place: int, value: int) -> None:
        self.control[place * 8 : place * 8 + 8] = struct.pack("<q", value)

    def fail(self, error: int, **per_mille: int) -> None:
        """What fails from now on; nothing if nothing is named."""
        self.set(ERROR, error)
        for name, place in [("open", OPEN), ("read", READ), ("write", WRITE), ("fsync", FSYNC), ("rename", RENAME)]:
            self.set(place, per_mille.get(name, 0))

    def command(self, port: int) -> list[str]:
        return [str(BIN / "finex"), "up", "--listen", f"127.0.0.1:{port}", "--data-dir", str(self.data)]

    def environment(self, journal: bool = False, **settings: str) -> dict[str, str]:
        named = {f"FINEX_PROVIDERS__{n.upper()}__BASE_URL": f"{self.upstream}/{n}" for n in MOUNTED}
        limits = {f"FINEX_PROVIDERS__{n.upper()}__LIMITS__{x}": "1000000" for n in ["yahoo", "binance", *MOUNTED] for x in LIMITS}
        own = {n: v for n, v in os.environ.items() if not n.startswith("FINEX_")}
        return {
            **own, **named, **limits, **settings,
            "FINEX_PROVIDERS__BINANCE__BASE_URL": self.upstream,
            "FINEX_PROVIDERS__YAHOO__BASE_URL": self.upstream,
            "LD_PRELOAD": str(WORK / "shim.so"),
            "STRESS_DIR": str(self.data),
            "STRESS_CONTROL": str(self.control_file),
            **({"STRESS_LOG": str(self.journal)} if journal else {}),
        }

    def up(self, journal: bool = False, **settings: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.log.open("a") as log:
            environment = self.environment(journal, **settings)
            self.gateway = subprocess.Popen(self.command(port), env=environment, cwd=self.home, stdout=log, stderr=log, text=True)
        for _ in range(400):
            if self.gateway.poll() is not None:
                raise AssertionError(f"finex ended with {self.gateway.returncode}: {self.log.read_text()[-600:]}")
            if fetch(f"{self.url}/readyz", 1)[0] == 200:
                return
            time.sleep(0.02)
        raise AssertionError("finex does not become ready")

    def down(self, how: int = signal.SIGTERM) -> None:
        if self.gateway:
            self.gateway.send_signal(how)
            self.gateway.wait(30)
            self.gateway = None

    def calls(self) -> int:
        return json.loads(fetch(f"{self.upstream}/sim/calls")[1])["series"]

    def metric(self, name: str) -> int:
        line = re.search(rf"^{name} (\d+)", fetch(f"{self.url}/metrics")[1], re.M)
        return int(line.group(1)) if line else 0

    def truth(self, path: str) -> tuple[int, object]:
        if path not in self.truths:
            native = re.sub(r"^/(binance|yahoo)", "", path)
            status, body = fetch(self.upstream + native)
            self.truths[path] = status, comparable(body)
        return self.truths[path]

    def ask(self, paths: list[str], may_fail: bool = False) -> None:
        """Several clients at once; every answer is the truth, or an error where those are allowed for."""
        with ThreadPoolExecutor(6) as pool:
            got = list(pool.map(lambda path: fetch(self.url + path), paths))
        for path, (status, body) in zip(paths, got):
            self.answers += 1
            if status in (0, 429) or status >= 500:
                self.failed += 1
                assert may_fail, f"{path}: {status} {body[:300]}"
                continue
            known, truth = self.truth(path)
            if status != known or not alike(comparable(body), truth):
                self.wrong += 1
                print(f"  WRONG {path}: {status} {body[:200]}\n  not {known} {str(truth)[:200]}")

    def check(self) -> None:
        log = self.log.read_text(errors="replace")
        assert "panic" not in log, log[log.index("panic") - 300 :][:900]
        if self.gateway:
            assert self.gateway.poll() is None, f"finex ended with {self.gateway.returncode}"
            assert self.metric("finex_panics_total") == 0
        assert self.wrong == 0, f"{self.wrong} wrong answers"

    def files(self, end: str = ".parquet") -> list[Path]:
        return sorted(path for path in self.data.rglob(f"*{end}") if path.is_file())

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.down()
        for running in [self.gateway, self.sim]:
            if running and running.poll() is None:
                running.kill()
                running.wait()
        self.control.close()
        shutil.rmtree(self.home, ignore_errors=True)
