"""What the comparisons have in common: rounds of calls, what they cost upstream, and the table of them."""

from typing import Any

from open_store import Check

Round = list[dict[str, Any]]


def asked_well(client: str, direct: Round) -> Check:
    """Two equal errors prove nothing where bars are asked for."""
    asked = [call for call in direct if call["kind"] in ("settled", "forwarded", "newest")]
    errors = [f"{call['name']}: {call['answer']}" for call in asked if "error" in call["answer"]]
    return Check(f"{client}, direct: calls for bars bring bars", not errors, "; ".join(errors))


def spared(client: str, rounds: dict[str, Round], names: list[str]) -> list[Check]:
    """Settled bars are asked of the provider once."""
    checks = []
    for name in names:
        asked = [f"{call['name']} ({call['upstream']})" for call in rounds[name] if is_settled(call) and call["upstream"]]
        detail = "asked again for: " + "; ".join(asked)
        checks.append(Check(f"{client}, {name}: no upstream call for settled bars", not asked, detail))
    return checks


def is_settled(call: dict[str, Any]) -> bool:
    return call["kind"] in ("settled", "empty")


def upstream(calls: Round) -> str:
    settled = sum(call["upstream"] for call in calls if is_settled(call))
    return f"{settled} + {sum(call['upstream'] for call in calls) - settled}"


def table(versions: dict[str, str], rounds: dict[str, dict[str, Round]], equal: dict[str, list[Check]]) -> None:
    names = list(next(iter(rounds.values())))
    width = max(map(len, rounds))
    print(f"{'client':<{width}} {'version':<8} {'calls':>5} {'equal':>9}", *(f"{name:>14}" for name in names))
    for client, by_round in rounds.items():
        passed = sum(check.passed for check in equal[client])
        counts = (f"{upstream(by_round[name]):>14}" for name in names)
        share = f"{passed}/{len(equal[client])}"
        print(f"{client:<{width}} {versions[client]:<8} {len(by_round['direct']):>5} {share:>9}", *counts)
