"""Asks a simulated Binance through real client libraries, once directly and again through finex, and compares.

Each client uses a symbol of its own, so that its first round through the gateway finds an empty cache. The rounds are
`direct` (no gateway), `cold`, `warm`, and `restarted` (the same gateway started again on what it kept on disk).

Environment: FINEX_BIN, the folder of finex and finex-sim; CLIENTS_PYTHON and CONNECTOR_PYTHON, the interpreters.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import open_store
from open_store import Check

HERE = Path(__file__).parent
BIN = Path(os.environ["FINEX_BIN"])
PYTHON = os.environ.get("CLIENTS_PYTHON", sys.executable)
INTERPRETERS = {
    "python-binance": PYTHON,
    "binance-connector": os.environ.get("CONNECTOR_PYTHON", PYTHON),
    "binance-sdk-spot": PYTHON,
    "ccxt": PYTHON,
}
ROUNDS = ["direct", "cold", "warm", "restarted"]
# How long a round of one client may take, with its own pauses.
PATIENCE = 180

Round = list[dict[str, Any]]


@contextlib.contextmanager
def process(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
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
    environment = {**os.environ, "FINEX_PROVIDERS__BINANCE__BASE_URL": upstream}
    command = [str(BIN / "finex"), "up", "--listen", address, "--data-dir", str(data)]
    # Started where no finex.toml lies about.
    with log.open("a") as out, process(*command, env=environment, cwd=log.parent, stdout=out, stderr=out) as running:
        wait_until_ready(f"http://{address}/readyz", running)
        yield f"http://{address}/binance"


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


def steer_clear_of_midnight() -> None:
    """Over midnight the newest days are others, for each of the rounds."""
    left = 86_400 - time.time() % 86_400
    if left < 180:
        print(f"waiting {left:.0f} s for a new day")
        time.sleep(left + 5)


def run(client: str, base: str, sim: str) -> tuple[str, Round]:
    command = [INTERPRETERS[client], str(HERE / "calls.py"), client, base, f"{sim}/sim/calls"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise SystemExit(f"{client} at {base}: calls.py ended with code {done.returncode}")
    result = json.loads(done.stdout)
    return result["version"], result["answers"]


def rounds_of_all(sim: str, data: Path, log: Path) -> tuple[dict[str, str], dict[str, dict[str, Round]]]:
    versions: dict[str, str] = {}
    rounds: dict[str, dict[str, Round]] = {client: {} for client in INTERPRETERS}
    with gateway(sim, data, log) as base:
        for client in INTERPRETERS:
            versions[client], rounds[client]["direct"] = run(client, sim, sim)
            for name in ["cold", "warm"]:
                rounds[client][name] = run(client, base, sim)[1]
        time.sleep(2)  # files are written behind the answers
    with gateway(sim, data, log) as base:
        for client in INTERPRETERS:
            rounds[client]["restarted"] = run(client, base, sim)[1]
        time.sleep(2)
    return versions, rounds


def difference(direct: Any, through: Any) -> str:
    """Where two answers part, in enough detail to look for the reason."""
    if isinstance(direct, list) and isinstance(through, list):
        at = next((i for i, (a, b) in enumerate(zip(direct, through)) if a != b), min(len(direct), len(through)))
        rows = (json.dumps(answer[at] if at < len(answer) else None) for answer in (direct, through))
        lengths = f"{len(direct)} rows directly, {len(through)} through finex, first difference in row {at}"
        return "\n        ".join([lengths, *(f"{who} {row}" for who, row in zip(["directly:", "finex:   "], rows))])
    return f"directly: {json.dumps(direct)[:1000]}\n        finex:    {json.dumps(through)[:1000]}"


def compare(client: str, rounds: dict[str, Round]) -> list[Check]:
    checks = []
    for name in ROUNDS[1:]:
        for direct, through in zip(rounds["direct"], rounds[name], strict=True):
            same = json.dumps(direct["answer"]) == json.dumps(through["answer"])
            detail = "" if same else difference(direct["answer"], through["answer"])
            checks.append(Check(f"{client}, {name}: {direct['name']}", same, detail))
    return checks


def asked_well(client: str, direct: Round) -> Check:
    """Two equal errors prove nothing where bars are asked for."""
    errors = [f"{call['name']}: {call['answer']}" for call in direct if call["kind"] != "other" and "error" in call["answer"]]
    return Check(f"{client}, direct: calls for bars bring bars", not errors, "; ".join(errors))


def spared(client: str, rounds: dict[str, Round]) -> list[Check]:
    """Settled bars are asked of the provider once."""
    checks = []
    for name in ROUNDS[2:]:
        asked = [f"{call['name']} ({call['upstream']})" for call in rounds[name] if asks_for_settled(call)]
        detail = "asked again for: " + "; ".join(asked)
        checks.append(Check(f"{client}, {name}: no upstream call for settled bars", not asked, detail))
    return checks


def asks_for_settled(call: dict[str, Any]) -> bool:
    return call["kind"] == "settled" and call["upstream"] > 0


def upstream(calls: Round) -> str:
    settled = sum(call["upstream"] for call in calls if call["kind"] == "settled")
    return f"{settled} + {sum(call['upstream'] for call in calls) - settled}"


def table(versions: dict[str, str], rounds: dict[str, dict[str, Round]], equal: dict[str, list[Check]]) -> None:
    print("Upstream klines calls: for settled bars + for newest bars and mistakes")
    print(f"{'client':<18} {'version':<8} {'calls':>5} {'equal':>9}", *(f"{name:>10}" for name in ROUNDS))
    for client, by_round in rounds.items():
        passed = sum(check.passed for check in equal[client])
        counts = (f"{upstream(by_round[name]):>10}" for name in ROUNDS)
        share = f"{passed}/{len(equal[client])}"
        print(f"{client:<18} {versions[client]:<8} {len(by_round['direct']):>5} {share:>9}", *counts)


def main() -> int:
    steer_clear_of_midnight()
    with tempfile.TemporaryDirectory(prefix="finex-clients-") as temporary, simulator() as sim:
        data, log = Path(temporary) / "data", Path(temporary) / "finex.log"
        versions, rounds = rounds_of_all(sim, data, log)
        equal = {client: compare(client, rounds[client]) for client in rounds}
        counted = [asked_well(client, rounds[client]["direct"]) for client in rounds]
        counted += [check for client in rounds for check in spared(client, rounds[client])]
        table(versions, rounds, equal)
        open_store.report([check for checks in equal.values() for check in checks if not check.passed] + counted)
        print("Stored files")
        stored = open_store.check(data, sim)
        open_store.report(stored)
    checks = [*(check for checks in equal.values() for check in checks), *counted, *stored]
    failed = sum(not check.passed for check in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
