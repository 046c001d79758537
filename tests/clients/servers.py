"""Starts the simulator and the gateway, and stops them."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterator

BIN = Path(os.environ["FINEX_BIN"])
# Mounted under their ids by the simulator.
MOUNTED = ["alphavantage", "coingecko", "twelvedata", "polygon", "tiingo", "alpaca", "finnhub", "fred"]
# The rounds ask more than providers allow. None has all of these limits.
LIMITS = ["CALLS-1S", "CALLS-1M", "CALLS-1H", "CALLS-1D", "CREDITS-1M", "CREDITS-1D"]


@contextlib.contextmanager
def process(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(command, text=True, **options)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    with process(str(BIN / "finex-sim"), "127.0.0.1:0", stdout=subprocess.PIPE) as sim:
        yield sim.stdout.readline().strip()


@contextlib.contextmanager
def gateway(upstream: str, data: Path, log: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "FINEX_PROVIDERS__BINANCE__BASE_URL": upstream,
        "FINEX_PROVIDERS__YAHOO__BASE_URL": upstream,
        **{f"FINEX_PROVIDERS__{name.upper()}__BASE_URL": f"{upstream}/{name}" for name in MOUNTED},
        **{f"FINEX_PROVIDERS__{name.upper()}__LIMITS__{limit}": "1000000" for name in ["yahoo", *MOUNTED] for limit in LIMITS},
    }
    command = [str(BIN / "finex"), "up", "--listen", address, "--data-dir", str(data)]
    # Started where no finex.toml lies about.
    with log.open("a") as out, process(*command, env=environment, cwd=log.parent, stdout=out, stderr=out) as running:
        wait_until_ready(f"http://{address}/readyz", running)
        yield f"http://{address}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(url: str, running: subprocess.Popen[str]) -> None:
    for _ in range(200):
        if running.poll() is not None:
            raise SystemExit(f"finex ended with code {running.returncode}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.05)
    raise SystemExit("finex does not become ready")
