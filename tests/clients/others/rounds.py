"""Asks the providers beside Binance and Yahoo (and Binance through libraries for Node), directly and through finex.

The rounds are those of Yahoo's clients. Clients of different providers share a gateway, whose cache is empty for the
first round of each; those of one provider have a gateway each.

Environment: OTHERS_PYTHON and POLYGON_PYTHON, interpreters with the libraries of requirements-others.txt and
requirements-polygon.txt; OTHERS_NODE, a folder with those of package.json.
"""

import contextlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import open_store
from open_store import Check
from others.agreement import Direct
from rounds import Round, asked_well, spared, table
from servers import gateway

HERE = Path(__file__).parent
THROUGH = ["cold", "warm", "restarted"]
# How long a round of one client may take.
PATIENCE = 120


@dataclass(frozen=True)
class Client:
    name: str
    # Of the provider, as the simulator has it, and as finex has it.
    simulated: str
    served: str


def client(name: str, simulated: str, served: str = "") -> Client:
    return Client(name, simulated, served or simulated)


# By gateway.
CLIENTS = [
    [
        client("alpha_vantage", "alphavantage"),
        client("pycoingecko", "coingecko"),
        client("twelvedata", "twelvedata"),
        client("polygon-api-client", "polygon"),
        client("tiingo", "tiingo"),
        client("alpaca-py", "alpaca"),
        client("finnhub-python", "finnhub"),
        client("fredapi", "fred"),
        client("ccxt", "binance"),
    ],
    [client("coingecko-sdk", "coingecko"), client("massive", "polygon", "massive"), client("binance", "binance")],
    [client("@polygon.io/client-js", "polygon")],
]
NODE = ["ccxt", "binance", "@polygon.io/client-js"]


def command(name: str) -> list[str]:
    """How to ask with a client; empty if it is not installed."""
    if name in NODE:
        folder = os.environ.get("OTHERS_NODE")
        return ["node", "--no-warnings", str(HERE / "drive.mjs"), folder, name] if folder else []
    python = os.environ.get("POLYGON_PYTHON" if name == "polygon-api-client" else "OTHERS_PYTHON")
    return [python, "-m", "others.drive", name] if python else []


def run(name: str, base: str, sim: str, day: str) -> tuple[str, Round]:
    asked = [*command(name), base, f"{sim}/sim/calls", day]
    done = subprocess.run(asked, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, cwd=HERE.parent)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(asked)} ended with code {done.returncode}")
    result = json.loads(done.stdout)
    return result["version"], result["answers"]


@contextlib.contextmanager
def gateways(sim: str, folder: Path) -> Iterator[list[str]]:
    with contextlib.ExitStack() as stack:
        names = [f"gateway-{number}" for number in range(len(CLIENTS))]
        yield [stack.enter_context(gateway(sim, folder / name, folder / f"{name}.log")) for name in names]


def through(roots: list[str], sim: str, day: str) -> dict[str, Round]:
    pairs = [(root, one) for root, group in zip(roots, CLIENTS) for one in group if command(one.name)]
    return {one.name: run(one.name, f"{root}/{one.served}", sim, day)[1] for root, one in pairs}


def directly(sim: str, day: str) -> dict[str, tuple[str, Round]]:
    ones = [one for group in CLIENTS for one in group if command(one.name)]
    return {one.name: run(one.name, f"{sim}/{one.simulated}", sim, day) for one in ones}


def rounds_of_all(sim: str, folder: Path) -> tuple[dict[str, str], dict[str, dict[str, Round]]]:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    direct = directly(sim, day)
    with gateways(sim, folder) as roots:
        cold, warm = through(roots, sim, day), through(roots, sim, day)
        time.sleep(2)  # files are written behind the answers
    with gateways(sim, folder) as roots:
        restarted = through(roots, sim, day)
        time.sleep(2)
    again = directly(sim, day)
    rounds = {
        name: {"direct": answers, "cold": cold[name], "warm": warm[name], "restarted": restarted[name],
               "direct again": again[name][1]}
        for name, (_, answers) in direct.items()
    }
    return {name: version for name, (version, _) in direct.items()}, rounds


def compare(name: str, rounds: dict[str, Round]) -> list[Check]:
    checks = []
    answers = zip(rounds["direct"], rounds["direct again"], *(rounds[one] for one in THROUGH), strict=True)
    for first, again, *through in answers:
        # Other bars do not move.
        moving = first["kind"] in ("newest", "other")
        direct = Direct(first["answer"], again["answer"] if moving else first["answer"])
        for one, answered in zip(THROUGH, through):
            found = direct.differences(answered["answer"])
            more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
            detail = "\n        ".join(["", *found[:3], *more])
            checks.append(Check(f"{name}, {one}: {first['name']}", not found, detail))
    return checks


def stored(folder: Path) -> list[Check]:
    """Of each provider: columns differ between them."""
    checks = []
    for provider in sorted(folder.glob("gateway-*/**/provider=*")):
        name = "/".join(provider.relative_to(folder).parts)
        found = open_store.opened_plainly(provider) + open_store.files_themselves(provider)
        checks += [Check(f"{name}: {check.name}", check.passed, check.detail) for check in found]
    return checks


def checked(sim: str, folder: Path) -> list[Check]:
    """All checks of these clients. Prints the table and what failed."""
    if not any(command(one.name) for group in CLIENTS for one in group):
        return []
    versions, rounds = rounds_of_all(sim, folder)
    equal = {name: compare(name, of_one) for name, of_one in rounds.items()}
    counted = [asked_well(name, of_one["direct"]) for name, of_one in rounds.items()]
    counted += [check for name, of_one in rounds.items() for check in spared(name, of_one, THROUGH[1:])]
    print("Upstream calls for bars: for settled bars + for newest bars and mistakes")
    table(versions, rounds, equal)
    compared = [check for checks in equal.values() for check in checks]
    others = counted + stored(folder)
    open_store.report([check for check in compared if not check.passed] + others)
    return compared + others
