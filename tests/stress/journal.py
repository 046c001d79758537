"""What a disk holds after a power cut, from the journal that the shim wrote.

What was synced is there. A name that was made or changed lasts once its folder was synced, else it is there or not; a file
that was not synced has its bytes, a part of them, zeros, or nothing.
"""

import shutil
from pathlib import Path

from stand import Stand


def after_power_cut(s: Stand) -> None:
    names: dict[Path, int] = {}  # the files that are in folders for good
    folders: set[Path] = {s.data}
    pending: list[tuple] = []  # changes of names whose folder was not synced since
    synced: dict[int, Path] = {}  # the bytes of files that were synced, by inode
    inodes: dict[Path, int] = {}  # as the process saw it

    def apply(change: tuple) -> None:
        match change:
            case ("C", path, inode):
                names[path] = inode
            case ("R", old, new, inode):
                names.pop(old, None)
                names[new] = inode
            case ("U", path):
                names.pop(path, None)
            case ("M", path):
                folders.add(path)

    def folder_of(change: tuple) -> Path:
        return (change[2] if change[0] == "R" else change[1]).parent

    for line in s.journal.read_text().splitlines():
        match line.split("\t"):
            case ["C", inode, path]:
                inodes[Path(path)] = int(inode)
                synced.pop(int(inode), None)
                pending.append(("C", Path(path), int(inode)))
            case ["F", inode, number]:
                synced[int(inode)] = Path(f"{s.journal}.{number}")
            case ["R", old, new]:
                inodes[Path(new)] = inodes.pop(Path(old), -1)
                pending.append(("R", Path(old), Path(new), inodes[Path(new)]))
            case ["U", path]:
                inodes.pop(Path(path), None)
                pending.append(("U", Path(path)))
            case ["M", path]:
                pending.append(("M", Path(path)))
            case ["D", path]:
                for change in [c for c in pending if folder_of(c) == Path(path)]:
                    apply(change)
                    pending.remove(change)
    for change in pending:
        if s.chance.random() < 0.5:
            apply(change)
    write(s, names, folders, synced)


def write(s: Stand, names: dict[Path, int], folders: set[Path], synced: dict[int, Path]) -> None:
    left = s.home / "left"
    shutil.rmtree(left, ignore_errors=True)
    left.mkdir()
    place = lambda path: left / path.relative_to(s.data)
    for folder in sorted(folders):
        if all(parent in folders or s.data not in parent.parents for parent in folder.parents if parent != s.data):
            place(folder).mkdir(parents=True, exist_ok=True)
    for path, inode in names.items():
        if not place(path).parent.is_dir():
            continue
        if inode in synced:
            shutil.copy(synced[inode], place(path))
            continue
        there = path.read_bytes() if path.is_file() else bytes(200)
        part = s.chance.randrange(len(there) + 1)
        place(path).write_bytes(s.chance.choice([there, there[:part], bytes(len(there)), b""]))
    shutil.rmtree(s.data)
    shutil.copytree(left, s.data)
    for kept in s.home.glob(f"{s.journal.name}*"):
        kept.unlink()
