"""Where an answer through finex parts from what the provider said directly.

The provider is asked directly twice, before the gateway and after it. What has not moved meanwhile must be the same
through finex, to the last digit and in the same order. Of rows that have moved, kind and size must fit.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Iterator

Path = tuple[str, ...]
# The kind of its container (lists come before objects), its length, and where in it.
Row = tuple[bool, int, tuple[int, str]]


@dataclass(frozen=True)
class Leaf:
    text: str
    # Which element of the longest list on the way to it, or of the longest object where there is no list. Thus a row is
    # known also where an answer has columns.
    row: tuple[int, str]


def differences(first: Any, again: Any, through: Any) -> list[str]:
    """`first` and `again` came directly."""
    if json.dumps(through) in (json.dumps(first), json.dumps(again)):
        return []
    before, after, ours = ({path: leaf for path, leaf in leaves(answer)} for answer in (first, again, through))
    moved = {leaf.row for path, leaf in (before | after).items() if before.get(path) != after.get(path)}
    # Behind a row that has moved there may be one more.
    moved |= {(depth, str(int(at) + 1)) for depth, at in moved if at.isdigit()}
    common = [path for path in before if path in after]
    found = [told(path, leaf, None) for path, leaf in before.items() if path not in ours and leaf.row not in moved]
    found += [told(path, None, leaf) for path, leaf in ours.items() if path not in before and leaf.row not in moved]
    found += [told(path, before[path], ours[path]) for path in common
              if path in ours and not fits(before[path], after[path], ours[path], before[path].row in moved)]
    if not found and [path for path in common if path in ours] != [path for path in ours if path in common]:
        found = ["the same in another order"]
    return found


def leaves(value: Any, path: Path = (), row: Row = (False, 0, (0, ""))) -> Iterator[tuple[Path, Leaf]]:
    if not value or not isinstance(value, (dict, list)):
        yield path, Leaf(json.dumps(value), row[2])
        return
    rank = (isinstance(value, list), len(value))
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        inner = (*rank, (len(path), str(key))) if rank > row[:2] else row
        yield from leaves(one, (*path, str(key)), inner)


def fits(before: Leaf, after: Leaf, ours: Leaf, moved: bool) -> bool:
    if ours.text in (before.text, after.text):
        return True
    if not moved:
        return False
    old, new = number(before), number(ours)
    if old is None or new is None:
        return old == new
    return math.isclose(old, new, rel_tol=0.05, abs_tol=10 * abs(old - (number(after) or 0)))


def number(leaf: Leaf) -> float | None:
    """Some write numbers as text."""
    try:
        return float(leaf.text.strip('"'))
    except ValueError:
        return None


def told(path: Path, before: Leaf | None, ours: Leaf | None) -> str:
    direct, through = (leaf.text if leaf else "nothing" for leaf in (before, ours))
    at = next((i for i, (a, b) in enumerate(zip(direct, through)) if a != b), 0)
    around = slice(max(0, at - 60), at + 160)
    return f"{' / '.join(path) or 'the answer'}: {direct[around]} directly, {through[around]} through finex"
