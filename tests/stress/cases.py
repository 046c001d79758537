"""What may happen to a disk, and what must hold all the same. Each case says how often it was done."""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from journal import after_power_cut
from stand import CLOCK, DAY, HALT, HOUR, WORK, Stand, fetch, free_port, questions

NARROW = {"FINEX_PLAN__WIDEN": "false"}


def killed(s: Stand) -> int:
    """kill -9 while clients ask; what had been written down costs no call."""
    for _ in range(8):
        s.up()
        paths = questions(s.chance, 14)
        with subprocess.Popen(["sleep", f"{s.chance.uniform(0.02, 0.5)}"]) as wait:
            s.ask(paths[:4])
            wait.wait()
        s.down(signal.SIGKILL)
    s.up()
    s.ask(paths)
    time.sleep(1)
    s.down(signal.SIGKILL)
    s.up()
    for path in paths:
        s.truth(path)
    calls = s.calls()
    s.ask(paths)
    assert s.calls() == calls, "what was on disk was fetched again"
    return 9


def power_cut(s: Stand) -> int:
    """The disk is what a power cut may have left of it."""
    rounds = 10
    for _ in range(rounds):
        s.up(journal=True, **NARROW)
        s.ask(questions(s.chance, 12))
        time.sleep(s.chance.uniform(0, 0.15))
        s.down(signal.SIGKILL)
        after_power_cut(s)
        s.up(**NARROW)
        s.ask(questions(s.chance, 6) + list(s.truths)[-6:])
        s.down(signal.SIGKILL)
        shutil.rmtree(s.data)
        s.truths.clear()
    return rounds


def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Waits for what comes about by itself, at most half a minute."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(otherwise)


def failing(s: Stand, error: int, **per_mille: int) -> int:
    """A disk that fails for a while; then what was behind is written."""
    s.up(**NARROW)
    asked = questions(s.chance, 10)
    s.ask(asked)
    for _ in range(4):
        s.fail(error, **per_mille)
        more = questions(s.chance, 10)
        asked += more
        s.ask(more + s.chance.sample(asked, 5))
        s.fail(0)
        s.ask(questions(s.chance, 2))
    time.sleep(1)
    s.ask(questions(s.chance, 2) + asked)
    until(lambda: s.metric("finex_cache_disk_behind") == 0, "the disk is still behind")
    s.check()
    s.down()
    s.up(**NARROW)
    s.ask(asked)
    return 5


def full_disk(s: Stand) -> int:
    """A real file system without room, then one without inodes."""
    for options in ["size=300k", "size=8m,nr_inodes=24"]:
        place = s.home / "small"
        place.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True).returncode:
            print("  SKIPPED: mounting is refused")
            return 0
        try:
            s.data = place / "data"
            s.up(**NARROW)
            asked = questions(s.chance, 40)
            s.ask(asked)
            s.ask(asked)
            assert s.metric("finex_cache_disk_errors_total") > 0, "it was never full"
            s.check()
            s.down()
            s.up(**NARROW)
            s.ask(asked)
            s.down()
        finally:
            subprocess.run(["umount", "-l", place], check=False)
    return 2


def read_only(s: Stand) -> int:
    """What is held is served from a file system that takes nothing."""
    place = s.home / "mounted"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True).returncode:
        print("  SKIPPED: mounting is refused")
        return 0
    try:
        s.data = place / "data"
        s.up(**NARROW)
        asked = questions(s.chance, 12)
        s.ask(asked)
        time.sleep(1)
        s.down()
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        s.up(**NARROW)
        for path in asked:
            s.truth(path)
        calls = s.calls()
        s.ask(asked)
        assert s.calls() == calls, "what is on disk was fetched again"
        s.ask(questions(s.chance, 5))
        s.check()
        s.down()
    finally:
        subprocess.run(["umount", "-l", place], check=False)
    return 1


def spoil(s: Stand, path: Path, others: list[Path]) -> None:
    """One of the ways in which a file may be wrong."""
    size = path.stat().st_size
    match s.chance.randrange(9):
        case 0:
            os.truncate(path, s.chance.randrange(max(size, 1)))
        case 1:
            path.write_bytes(b"")
        case 2:
            other = s.chance.choice(others)
            mine, theirs = path.read_bytes(), other.read_bytes()
            path.write_bytes(theirs)
            other.write_bytes(mine)
        case 3:
            elsewhere = [other for other in others if other.parent != path.parent]
            shutil.copy(path, s.chance.choice(elsewhere).parent / path.name)
        case 4:
            path.unlink()
        case 5:
            path.unlink()
            path.mkdir()
        case 6:
            path.unlink()
            os.mkfifo(path)
        case 7:
            target = s.chance.choice(others)
            path.unlink()
            path.symlink_to(target)
        case _:
            (path.parent / f".{s.chance.randrange(99)}-1.tmp").write_bytes(path.read_bytes()[: size // 2])


def spoilt(s: Stand) -> int:
    """Files and ledgers that are cut, empty, exchanged, gone, or something else altogether."""
    asked = questions(s.chance, 30)
    for _ in range(8):
        s.up(**NARROW)
        s.ask(asked)
        time.sleep(0.5)
        s.down()
        files = s.files() + s.files("_coverage.json")
        plain = lambda path: path.is_file() and not path.is_symlink()
        for path in filter(plain, s.chance.sample(files, max(2, len(files) // 4))):
            spoil(s, path, [other for other in files if plain(other) and other != path])
    s.up(**NARROW)
    s.ask(asked)
    return 8


def flipped(s: Stand) -> int:
    """Single bits, in files and ledgers, until there were a thousand."""
    asked, flips = questions(s.chance, 40), 0
    while flips < 1_000:
        s.up(**NARROW)
        s.ask(asked)
        time.sleep(0.4)
        s.down()
        for path in s.files() + s.files("_coverage.json"):
            if s.chance.random() < 0.8:
                bytes_ = bytearray(path.read_bytes())
                bytes_[s.chance.randrange(len(bytes_))] ^= 1 << s.chance.randrange(8)
                path.write_bytes(bytes_)
                flips += 1
    s.up(**NARROW)
    s.ask(asked)
    return flips


def other_layout(s: Stand) -> int:
    """Ledgers of another layout and of another series."""
    s.up(**NARROW)
    asked = questions(s.chance, 20)
    s.ask(asked)
    time.sleep(0.5)
    s.down()
    ledgers = s.files("_coverage.json")
    for path in ledgers[::2]:
        path.write_text(path.read_text().replace('"layout":1', '"layout":7'))
    for path, other in zip(ledgers[1::2], ledgers[3::2]):
        shutil.copy(other, path)
    s.up(**NARROW)
    s.ask(asked)
    return len(ledgers)


def two_gateways(s: Stand) -> int:
    """The second one refuses, and the first one does not notice."""
    s.up()
    s.ask(questions(s.chance, 6))
    second = subprocess.run(s.command(free_port()), env=s.environment(), cwd=s.home, capture_output=True, text=True, timeout=20)
    assert second.returncode != 0 and "in use by another finex" in second.stderr + second.stdout, second
    s.ask(questions(s.chance, 6))
    return 1


def wrong_clock(s: Stand) -> int:
    """A year ahead, then a year behind, then right again; the provider's clock is right all the time."""
    newest = ["/binance/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=3", "/polygon/v2/aggs/ticker/AAPL/range/1/day/2026-01-02/2026-02-02"]
    for years in [1, -1, 0]:
        s.set(CLOCK, years * 365 * 86_400)
        s.up()
        s.ask(questions(s.chance, 12))
        for path in newest:
            fetch(s.url + path)
        time.sleep(0.5)
        s.check()
        s.down()
    time.sleep(1)
    s.up()
    settled = f"/binance/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=5&endTime={int(time.time() // 86_400 - 1) * DAY - 1}"
    s.ask([settled, "/polygon/v2/aggs/ticker/AAPL/range/1/day/2026-01-02/2026-02-02?adjusted=false"])
    return 3


def ten_thousand(s: Stand) -> int:
    """Ten thousand fragments: how long from the start of the process to the first hit."""
    settings = {**NARROW, "FINEX_CACHE__FRAGMENTS__1H": "hour"}
    s.up(**settings)
    start = 1_640_995_200_000
    paths = [f"/binance/api/v3/klines?symbol={symbol}&interval=1h&startTime={start + n * 1_000 * HOUR}&limit=1000"
             for symbol in ["BTCUSDT", "ETHUSDT"] for n in range(6)]
    for path in paths:
        s.ask([path])
    deadline = time.monotonic() + 150
    while len(s.files()) < 10_000 and time.monotonic() < deadline:
        time.sleep(0.5)
    count = len(s.files())
    s.down()
    took = []
    for _ in range(3):
        begun = time.monotonic()
        s.up(**settings)
        s.ask([paths[0].replace("limit=1000", "limit=1")])
        took.append((time.monotonic() - begun) * 1_000)
        s.ask(paths)
        s.down()
    s.note = f"{count} fragments, first hit after {sorted(took)[1]:.0f} ms (median of 3)"
    return count


def cases() -> dict:
    errors = {"eio": errno.EIO, "full": errno.ENOSPC, "readonly": errno.EROFS}
    def fails(error: int, **per_mille: int):
        return lambda s: failing(s, error, **per_mille)
    return {
        "killed": killed,
        "power-cut": power_cut,
        "eio-read": fails(errors["eio"], read=400),
        "eio-open": fails(errors["eio"], open=400),
        "eio-write": fails(errors["eio"], write=500),
        "eio-fsync": fails(errors["eio"], fsync=500),
        "eio-rename": fails(errors["eio"], rename=500),
        "eio-all": fails(errors["eio"], open=150, read=150, write=150, fsync=150, rename=150),
        "enospc": fails(errors["full"], write=600),
        "erofs": fails(errors["readonly"], open=1000, rename=1000),
        "full-disk": full_disk,
        "read-only": read_only,
        "spoilt": spoilt,
        "flipped": flipped,
        "other-layout": other_layout,
        "two-gateways": two_gateways,
        "wrong-clock": wrong_clock,
        "ten-thousand": ten_thousand,
    }
