"""Asks a simulated Yahoo through real client libraries, directly and through finex, and compares.

Each client has a gateway of its own, so that its first round finds an empty cache. The rounds are those of Binance's
clients, and `direct again` after them: between the two direct ones it shows what moves with time.

Environment: YAHOO_PYTHON, an interpreter with yfinance and yahooquery; YAHOO_NODE, a folder with yahoo-finance2.
"""

import json
import os
import subprocess
import time
from pathlib import Path

import open_store
from open_store import Check
from rounds import Round, asked_well, spared, table
from servers import gateway
from yahoo.agreement import differences

HERE = Path(__file__).parent
THROUGH = ["cold", "warm", "restarted"]
# How long a round of one client may take.
PATIENCE = 300


def commands() -> dict[str, list[str]]:
    """How to ask with each client that is installed."""
    found = {}
    if python := os.environ.get("YAHOO_PYTHON"):
        found |= {name: [python, str(HERE / "calls.py"), name] for name in ["yfinance", "yahooquery"]}
    if folder := os.environ.get("YAHOO_NODE"):
        found["yahoo-finance2"] = ["node", "--no-warnings", str(HERE / "calls.mjs"), folder]
    return found


def run(command: list[str], base: str, sim: str, day: str) -> tuple[str, Round]:
    command = [*command, base, f"{sim}/sim/calls", day]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}")
    result = json.loads(done.stdout)
    return result["version"], result["answers"]


def rounds_of(command: list[str], sim: str, data: Path, log: Path) -> tuple[str, dict[str, Round]]:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    rounds = {}
    version, rounds["direct"] = run(command, sim, sim, day)
    with gateway(sim, data, log) as root:
        for name in ["cold", "warm"]:
            rounds[name] = run(command, f"{root}/yahoo", sim, day)[1]
        time.sleep(2)  # files are written behind the answers
    with gateway(sim, data, log) as root:
        rounds["restarted"] = run(command, f"{root}/yahoo", sim, day)[1]
        time.sleep(2)
    rounds["direct again"] = run(command, sim, sim, day)[1]
    return version, rounds


def compare(client: str, rounds: dict[str, Round]) -> list[Check]:
    checks = []
    for name in THROUGH:
        for first, again, through in zip(rounds["direct"], rounds["direct again"], rounds[name], strict=True):
            settled = first["kind"] in ("settled", "empty")
            found = list(differences(first["answer"], again["answer"], through["answer"], settled))
            more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
            detail = "\n        ".join(["", *found[:3], *more])
            checks.append(Check(f"{client}, {name}: {first['name']}", not found, detail))
    return checks


def stored(client: str, data: Path) -> list[Check]:
    checks = open_store.opened_plainly(data) + open_store.files_themselves(data)
    return [Check(f"{client}: {check.name}", check.passed, check.detail) for check in checks]


def checked(sim: str, folder: Path) -> list[Check]:
    """All checks of Yahoo's clients. Prints the table and what failed."""
    versions, rounds, equal = {}, {}, {}
    others: list[Check] = []
    for client, command in commands().items():
        data = folder / client
        versions[client], rounds[client] = rounds_of(command, sim, data, folder / f"{client}.log")
        equal[client] = compare(client, rounds[client])
        others += [asked_well(client, rounds[client]["direct"]), *spared(client, rounds[client], THROUGH[1:])]
        others += stored(client, data)
    if not rounds:
        return []
    print("Upstream chart calls: for settled bars + for newest bars and mistakes")
    table(versions, rounds, equal)
    checks = [check for checks in equal.values() for check in checks]
    open_store.report([check for check in checks if not check.passed] + others)
    return checks + others
