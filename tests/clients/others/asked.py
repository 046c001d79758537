"""Calls, and their answers as JSON that leaves nothing out."""

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable


@dataclass
class Call:
    """Kinds: `settled` calls ask for bars that can no longer change, `empty` ones for such where there are none,
    `forwarded` ones for such that finex does not keep, `newest` ones for rows up to now, `other` ones for no bars."""

    name: str
    run: Callable[[], Any]
    kind: str = "settled"


def calls(run: Callable[..., Any], asked: dict[str, Any], kind: str = "settled") -> list[Call]:
    """One call for each name, with its keywords."""
    return [Call(name, lambda a=arguments: run(**a), kind) for name, arguments in asked.items()]


def midnight(day: date, days_ago: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(days=days_ago)


def date_before(day: date, days: int) -> str:
    return (day - timedelta(days=days)).isoformat()


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


def plain(value: Any) -> Any:
    if hasattr(value, "iloc"):
        return of_frame(value.to_frame("value") if hasattr(value, "to_frame") else value)
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and value != value:
        return "NaN"
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return plain(vars(value)) if hasattr(value, "__dict__") else str(value)


def of_frame(frame: Any) -> dict[str, Any]:
    """Rows by their index, so that those of two answers can be told apart."""
    names = [label(name) for name in frame.columns]
    rows: dict[str, Any] = {}
    for at, values in zip(frame.index, zip(*(frame.iloc[:, i].tolist() for i in range(len(names))))):
        name = label(at)
        while name in rows:
            name += ", once more"
        rows[name] = {column: plain(value) for column, value in zip(names, values)}
    return {
        "columns": {name: str(kind) for name, kind in zip(names, frame.dtypes)},
        "index": {label(name): str(frame.index.get_level_values(i).dtype) for i, name in enumerate(frame.index.names)},
        "rows": rows,
    }


def label(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
