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
ROUNDS = ["direct", *THROUGH, "direct again"]
# How long a round of one client may take.
PATIENCE = 120


@dataclass(frozen=True)
class Client:
    package: str
    # Its number.
    gateway: int
    # The provider, as the simulator has it, and as finex has it.
    simulated: str
    served: str

    @property
    def name(self) -> str:
        return f"{self.package} (node)" if self.package in NODE else self.package

    def command(self) -> list[str]:
        """How to ask with it; empty if it is not installed."""
        if self.package in NODE:
            folder = os.environ.get("OTHERS_NODE")
            return ["node", "--no-warnings", str(HERE / "drive.mjs"), folder, self.package] if folder else []
        python = os.environ.get("POLYGON_PYTHON" if self.package == "polygon-api-client" else "OTHERS_PYTHON")
        return [python, "-m", "others.drive", self.package] if python else []


NODE = ["ccxt", "binance", "@polygon.io/client-js"]
CLIENTS = [
    Client("alpha_vantage", 0, "alphavantage", "alphavantage"),
    Client("pycoingecko", 0, "coingecko", "coingecko"),
    Client("coingecko-sdk", 1, "coingecko", "coingecko"),
    Client("twelvedata", 0, "twelvedata", "twelvedata"),
    Client("polygon-api-client", 0, "polygon", "polygon"),
    Client("massive", 1, "polygon", "massive"),
    Client("@polygon.io/client-js", 2, "polygon", "polygon"),
    Client("tiingo", 0, "tiingo", "tiingo"),
    Client("alpaca-py", 0, "alpaca", "alpaca"),
    Client("finnhub-python", 0, "finnhub", "finnhub"),
    Client("fredapi", 0, "fred", "fred"),
    Client("ccxt", 0, "binance", "binance"),
    Client("binance", 1, "binance", "binance"),
]


def installed() -> list[Client]:
    return [client for client in CLIENTS if client.command()]


def run(client: Client, base: str, sim: str, day: str) -> tuple[str, Round]:
    command = [*client.command(), base, f"{sim}/sim/calls", day]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, cwd=HERE.parent)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with code {done.returncode}")
    result = json.loads(done.stdout)
    return result["version"], result["answers"]


def directly(sim: str, day: str) -> dict[str, tuple[str, Round]]:
    return {client.name: run(client, f"{sim}/{client.simulated}", sim, day) for client in installed()}


@contextlib.contextmanager
def gateways(sim: str, folder: Path) -> Iterator[list[str]]:
    with contextlib.ExitStack() as stack:
        names = [f"gateway-{number}" for number in sorted({client.gateway for client in CLIENTS})]
        yield [stack.enter_context(gateway(sim, folder / name, folder / f"{name}.log")) for name in names]
        time.sleep(2)  # files are written behind the answers


def through(roots: list[str], sim: str, day: str) -> dict[str, Round]:
    bases = {client: f"{roots[client.gateway]}/{client.served}" for client in installed()}
    return {client.name: run(client, base, sim, day)[1] for client, base in bases.items()}


def rounds_of_all(sim: str, folder: Path) -> tuple[dict[str, str], dict[str, dict[str, Round]]]:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    direct = directly(sim, day)
    with gateways(sim, folder) as roots:
        cold, warm = through(roots, sim, day), through(roots, sim, day)
    with gateways(sim, folder) as roots:
        restarted = through(roots, sim, day)
    again = directly(sim, day)
    versions = {name: version for name, (version, _) in direct.items()}
    rounds = {
        name: dict(zip(ROUNDS, [direct[name][1], cold[name], warm[name], restarted[name], again[name][1]]))
        for name in versions
    }
    return versions, rounds


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
    if not installed():
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
