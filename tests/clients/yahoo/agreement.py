"""Where an answer through finex parts from what the provider said directly.

Much of what Yahoo says is of now. Hence the provider is asked directly twice, before the gateway and after it: what both
answers agree on has not moved meanwhile and must be the same through finex; of what has moved, kind and size must fit.
What settled calls say of bars never moves.
"""

import math
from typing import Any, Iterator

# Yahoo computes adjusted closes anew from day to day, with other last digits.
NOISE = 1e-6
# Facts of now within an answer about settled bars.
OF_NOW = {"meta"}


def differences(first: Any, again: Any, through: Any, settled: bool, path: tuple[str, ...] = ()) -> Iterator[str]:
    """`first` and `again` came directly."""
    if settled and not OF_NOW.intersection(path):
        again = first
    if kind(through) not in (kind(first), kind(again)):
        yield told(path, first, through)
    elif kind(first) != kind(again):
        return
    elif isinstance(first, dict):
        yield from of_objects(first, again, through, settled, path)
    elif isinstance(first, list):
        yield from of_lists(first, again, through, settled, path)
    elif isinstance(first, (int, float)) and not isinstance(first, bool):
        if not fits(first, again, through, path):
            yield told(path, first, through)
    elif first == again and through != first:
        yield told(path, first, through)


def of_objects(first: dict, again: dict, through: dict, settled: bool, path: tuple[str, ...]) -> Iterator[str]:
    known = first.keys() | again.keys()
    common = [key for key in first if key in again]
    missing = [key for key in common if key not in through]
    extra = [key for key in through if key not in known]
    if missing:
        yield f"{place(path)}: {some(missing)} missing through finex"
    # As many rows may be new as came and went meanwhile.
    if len(extra) > len(first.keys() ^ again.keys()):
        yield f"{place(path)}: {some(extra)} only through finex"
    if "rows" in path[-1:] and [key for key in through if key in common] != [key for key in common if key in through]:
        yield f"{place(path)}: rows in another order"
    for key in common:
        if key in through:
            yield from differences(first[key], again[key], through[key], settled, (*path, key))


def of_lists(first: list, again: list, through: list, settled: bool, path: tuple[str, ...]) -> Iterator[str]:
    if len(first) != len(again):
        return
    if len(first) != len(through):
        yield f"{place(path)}: {len(first)} elements directly, {len(through)} through finex"
        return
    for at, (a, b, c) in enumerate(zip(first, again, through)):
        yield from differences(a, b, c, settled, (*path, str(at)))


def fits(first: float, again: float, through: float, path: tuple[str, ...]) -> bool:
    if any("adj" in name.lower() for name in path):
        return math.isclose(first, through, rel_tol=NOISE) or math.isclose(again, through, rel_tol=NOISE)
    if first == again:
        return through == first
    return abs(through - first) <= max(10 * abs(first - again), abs(first) / 20)


def kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def place(path: tuple[str, ...]) -> str:
    return " / ".join(path) or "the answer"


def some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def told(path: tuple[str, ...], first: Any, through: Any) -> str:
    return f"{place(path)}: {str(first)[:300]} directly, {str(through)[:300]} through finex"
