"""Asks simulated providers through real client libraries, once directly and again through finex, and compares.

This file has what is Binance's; Yahoo's is in `yahoo`, and that of all other providers in `others`.

Each client uses a symbol of its own, so that its first round through the gateway finds an empty cache. The rounds are
`direct` (no gateway), `cold`, `warm`, and `restarted` (the same gateway started again on what it kept on disk).

Environment: FINEX_BIN, the folder of finex and finex-sim; CLIENTS_PYTHON and CONNECTOR_PYTHON, the interpreters.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import open_store
from open_store import Check
from others import rounds as others
from rounds import Round, asked_well, spared, table
from servers import gateway, simulator
from yahoo import rounds as yahoo

HERE = Path(__file__).parent
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
    with gateway(sim, data, log) as root:
        base = f"{root}/binance"
        for client in INTERPRETERS:
            versions[client], rounds[client]["direct"] = run(client, sim, sim)
            for name in ["cold", "warm"]:
                rounds[client][name] = run(client, base, sim)[1]
        time.sleep(2)  # files are written behind the answers
    with gateway(sim, data, log) as root:
        for client in INTERPRETERS:
            rounds[client]["restarted"] = run(client, f"{root}/binance", sim)[1]
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


def binance(sim: str, folder: Path) -> list[Check]:
    """All checks of Binance's clients. Prints the table, what failed, and what is stored."""
    data = folder / "data"
    versions, rounds = rounds_of_all(sim, data, folder / "finex.log")
    equal = {client: compare(client, rounds[client]) for client in rounds}
    counted = [asked_well(client, rounds[client]["direct"]) for client in rounds]
    counted += [check for client in rounds for check in spared(client, rounds[client], ROUNDS[2:])]
    print("Upstream klines calls: for settled bars + for newest bars and mistakes")
    table(versions, rounds, equal)
    compared = [check for checks in equal.values() for check in checks]
    open_store.report([check for check in compared if not check.passed] + counted)
    print("Stored files")
    stored = open_store.check(data, sim)
    open_store.report(stored)
    return compared + counted + stored


def main() -> int:
    steer_clear_of_midnight()
    with tempfile.TemporaryDirectory(prefix="finex-clients-") as temporary, simulator() as sim:
        folders = {name: Path(temporary) / name for name in ["binance", "yahoo", "others"]}
        for folder in folders.values():
            folder.mkdir()
        checks = binance(sim, folders["binance"]) + yahoo.checked(sim, folders["yahoo"])
        checks += others.checked(sim, folders["others"])
    failed = sum(not check.passed for check in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
