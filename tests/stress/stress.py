"""Runs the cases of cases.py and says what came of them."""

import argparse
import random
import sys
import time
import traceback

from cases import cases
from stand import Stand, questions


def run(name: str, seed: int) -> tuple[bool, list[str]]:
    stand = Stand(name, seed)
    stand.note = ""
    problem, rounds = "", 0
    begun = time.monotonic()
    try:
        rounds = cases()[name](stand)
        stand.check()
    except Exception as error:
        problem = f"{error}" or traceback.format_exc(limit=2)
        print(f"  FAILED {name} --seed {seed}: {problem[:800]}")
    finally:
        stand.close()
    passed = not problem and stand.wrong == 0
    row = [name, str(seed), str(rounds), "yes" if passed else "NO", f"{stand.answers}", f"{stand.failed}", f"{stand.wrong}",
           f"{time.monotonic() - begun:.0f} s", stand.note]
    print("  ".join(row), flush=True)
    return passed, row


def slope(points: list[tuple[float, float]]) -> float:
    n = len(points)
    x, y = sum(p[0] for p in points) / n, sum(p[1] for p in points) / n
    return sum((p[0] - x) * (p[1] - y) for p in points) / max(sum((p[0] - x) ** 2 for p in points), 1e-9)


def grows(minutes: float, seed: int) -> None:
    """One gateway with little room that is asked for ever other windows: how much it grows in an hour."""
    stand = Stand("grows", seed)
    points = []
    try:
        stand.up(FINEX_CACHE__L1__MAX_MEMORY="16MB", FINEX_CACHE__L3__MAX_SIZE="64MB")
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            paths = questions(stand.chance, 60)
            stand.ask(paths)
            stand.truths.clear()
            with open(f"/proc/{stand.gateway.pid}/statm") as statm:
                points.append((time.monotonic(), int(statm.read().split()[1]) * 4_096 / 2**20))
        stand.check()
        # What fills up once is not growth.
        later = points[len(points) // 3 :]
        print(f"{stand.answers} answers, {points[-1][1]:.0f} MiB, {slope(later) * 3_600:+.1f} MiB an hour")
    finally:
        stand.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=cases())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long", type=float, metavar="MINUTES", default=0)
    wanted = parser.parse_args()
    names = [wanted.only] if wanted.only else list(cases())
    print("fault  seed  rounds  survived  answers  errors  wrong")
    results = [run(name, wanted.seed)[0] for name in names]
    if wanted.long:
        end, seed = time.monotonic() + wanted.long * 30, wanted.seed
        while time.monotonic() < end:
            seed += 1
            results.append(run(random.Random(seed).choice(names), seed)[0])
        grows(wanted.long / 2, wanted.seed)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


main()
