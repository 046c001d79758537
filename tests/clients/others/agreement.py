"""Where an answer through finex parts from what the provider said directly.

The provider is asked directly twice, before the gateway and after it. What has not moved meanwhile must be the same
through finex, to the last digit and in the same order. Of rows that have moved, kind and size must fit.
"""

import json
import math
from datetime import datetime
from functools import cached_property
from typing import Any, Iterator, NamedTuple

Path = tuple[str | int, ...]


class Row(NamedTuple):
    """An element of the longest list on the way to a value, or of the longest object where there is no list: thus a row
    is known also where an answer has columns."""

    of_list: bool
    length: int
    depth: int
    at: str | int


# The value of a path, with its row.
Leaf = tuple[Any, Row]


class Direct:
    """What came directly, the first and the second time."""

    def __init__(self, first: Any, again: Any) -> None:
        self.first, self.again = first, again
        self.texts = {json.dumps(first), json.dumps(again)}

    @cached_property
    def before(self) -> dict[Path, Leaf]:
        return dict(leaves(self.first))

    @cached_property
    def after(self) -> dict[Path, Leaf]:
        return self.before if len(self.texts) == 1 else dict(leaves(self.again))

    @cached_property
    def moved(self) -> set[tuple[int, str | int]]:
        parted = [path for path, leaf in self.before.items() if not same(leaf, self.after.get(path))]
        parted += [path for path in self.after if path not in self.before]
        # A bar whose time has moved is another one, with all that it says.
        named = [path for path in parted if path and isinstance(path[-1], str)]
        others = {path[:-1] for path in named if is_time(self.before.get(path) or self.after[path])}
        parted += [path for path in self.before if path and path[:-1] in others]
        moved = {place(self.before.get(path) or self.after[path]) for path in parted}
        # Behind a row that has moved there may be one more.
        return moved | {(depth, at + 1) for depth, at in moved if isinstance(at, int)}

    def differences(self, through: Any) -> list[str]:
        if json.dumps(through) in self.texts:
            return []
        ours = dict(leaves(through))
        missing = [path for path in self.before if path not in ours and not self.moves(self.before[path])]
        extra = [path for path in ours if path not in self.before and not self.moves(ours[path])]
        common = [path for path in self.before if path in ours and path in self.after]
        others = [path for path in common if not self.fits(path, ours[path])]
        found = [told(path, self.before.get(path), ours.get(path)) for path in [*missing, *extra, *others]]
        if not found and common != [path for path in ours if path in self.before and path in self.after]:
            found = ["the same in another order"]
        return found

    def moves(self, leaf: Leaf) -> bool:
        return place(leaf) in self.moved

    def fits(self, path: Path, ours: Leaf) -> bool:
        before, after = self.before[path], self.after[path]
        if same(ours, before) or same(ours, after):
            return True
        if not self.moves(before):
            return False
        old, new = number(before), number(ours)
        if old is None or new is None:
            return old == new
        return math.isclose(old, new, rel_tol=0.5, abs_tol=10 * abs(old - (number(after) or 0)))


def leaves(value: Any, path: Path = (), row: Row = Row(False, 0, 0, 0)) -> Iterator[tuple[Path, Leaf]]:
    if not value or not isinstance(value, (dict, list)):
        yield path, (value, row)
        return
    rank = (isinstance(value, list), len(value))
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(one, (*path, key), Row(*rank, len(path), key) if rank > row[:2] else row)


def place(leaf: Leaf) -> tuple[int, str | int]:
    return leaf[1].depth, leaf[1].at


def same(leaf: Leaf, other: Leaf | None) -> bool:
    return other is not None and type(leaf[0]) is type(other[0]) and leaf[0] == other[0]


def number(leaf: Leaf) -> float | None:
    """Some write numbers as text."""
    try:
        return float(leaf[0])
    except (TypeError, ValueError):
        return None


def is_time(leaf: Leaf) -> bool:
    try:
        datetime.fromisoformat(leaf[0])
    except (TypeError, ValueError):
        return False
    return True


def told(path: Path, before: Leaf | None, ours: Leaf | None) -> str:
    direct, through = (json.dumps(leaf[0]) if leaf else "nothing" for leaf in (before, ours))
    at = next((i for i, (a, b) in enumerate(zip(direct, through)) if a != b), 0)
    around = slice(max(0, at - 60), at + 160)
    where = " / ".join(map(str, path)) or "the answer"
    return f"{where}: {direct[around]} directly, {through[around]} through finex"
