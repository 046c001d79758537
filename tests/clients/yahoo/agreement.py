"""Where an answer through finex parts from what the provider said directly.

Much of what Yahoo says is of now. Hence the provider is asked directly twice, before the gateway and after it: what
both answers agree on has not moved meanwhile and must be the same through finex; of what has moved, kind and size must
fit. What settled calls say of bars never moves.
"""

import math
import re
from typing import Any, Iterator

# Yahoo computes adjusted closes anew from day to day, with other last digits.
NOISE = 1e-6
# Facts of now within an answer about settled bars.
OF_NOW = "meta"


def differences(first: Any, again: Any, through: Any, settled: bool) -> Iterator[str]:
    """`first` and `again` came directly."""
    if not settled:
        return parted(first, again, through)
    if isinstance(first, dict) and isinstance(again, dict) and OF_NOW in again:
        return parted(first, {**first, OF_NOW: again[OF_NOW]}, through)
    return parted(first, first, through)


def parted(first: Any, again: Any, through: Any, path: tuple[str, ...] = (), moves: bool = False) -> Iterator[str]:
    """`moves` tells whether anything beside it, or beside what it is part of, has moved."""
    if kind(through) not in (kind(first), kind(again)):
        yield told(path, first, through)
    elif kind(first) != kind(again):
        return
    elif isinstance(first, dict):
        yield from of_objects(first, again, through, path, moves)
    elif isinstance(first, list):
        yield from of_lists(first, again, through, path, moves)
    elif not (numbers if kind(first) == "number" else texts)(first, again, through, path, moves):
        yield told(path, first, through)


def of_objects(first: dict, again: dict, through: dict, path: tuple[str, ...], moves: bool) -> Iterator[str]:
    common = [key for key in first if key in again]
    missing = [key for key in common if key not in through]
    extra = [key for key in through if key not in first and key not in again]
    if missing:
        yield f"{place(path)}: {some(missing)} missing through finex"
    # As many rows may be new as came and went meanwhile.
    if len(extra) > len(first.keys() ^ again.keys()):
        yield f"{place(path)}: {some(extra)} only through finex"
    if path[-1:] == ("rows",) and [key for key in through if key in common] != [key for key in common if key in through]:
        yield f"{place(path)}: rows in another order"
    moves = moves or any(not isinstance(first[key], (dict, list)) and first[key] != again[key] for key in common)
    for key in common:
        if key in through:
            yield from parted(first[key], again[key], through[key], (*path, key), moves)


def of_lists(first: list, again: list, through: list, path: tuple[str, ...], moves: bool) -> Iterator[str]:
    if len(first) != len(again):
        return
    if len(first) != len(through):
        yield f"{place(path)}: {len(first)} elements directly, {len(through)} through finex"
        return
    for at, elements in enumerate(zip(first, again, through)):
        yield from parted(*elements, (*path, str(at)), moves)


def numbers(first: float, again: float, through: float, path: tuple[str, ...], moves: bool) -> bool:
    adjusted = any("adj" in name.lower() for name in path)
    same = (lambda a, b: math.isclose(a, b, rel_tol=NOISE)) if adjusted else (lambda a, b: a == b)
    if same(first, through) or same(again, through):
        return True
    # What is rounded may stand still for a while and move all the same.
    if same(first, again) and not moves:
        return False
    difference_of_prices = "change" in path[-1].lower()
    return difference_of_prices or abs(through - first) <= max(10 * abs(first - again), abs(first) / 20)


def texts(first: Any, again: Any, through: Any, path: tuple[str, ...], moves: bool) -> bool:
    if first == again and moves:
        return shape(through) == shape(first)
    return through == first or first != again


def shape(text: Any) -> str:
    return re.sub(r"[\d.]+", "#", str(text))


def kind(value: Any) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def place(path: tuple[str, ...]) -> str:
    return " / ".join(path) or "the answer"


def some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def told(path: tuple[str, ...], first: Any, through: Any) -> str:
    return f"{place(path)}: {str(first)[:300]} directly, {str(through)[:300]} through finex"
