"""What processes use: seconds of processor time and megabytes of memory, read from /proc, children included."""

import asyncio
import contextlib
import gc
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STAT = Path("/proc/stat")
_MIB = 1024 * 1024
_EVERY = 0.5  # seconds between two looks at memory


@dataclass
class Usage:
    """Per name: seconds of processor time within the block, the most memory seen (MiB), (second, MiB) on the way.

    `stolen` is what the host gave to others while this machine wanted it, `idle` what nobody wanted: seconds of
    processor time, of all cores. What is missing to all of it is the kernel's, and that of processes not named here.
    """

    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    trail: dict[str, list[list[float]]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    stolen: float = 0.0
    idle: float = 0.0


@contextlib.asynccontextmanager
async def metered(pids: Mapping[str, int], *, watched: bool = True) -> AsyncIterator[Usage]:
    """Measure these processes and their children while the block runs; the result is complete after it.

    Not `watched`, their memory is that at the end: a look takes 12 ms, in which this process sees no reply.
    """
    usage, before, withheld, rested = Usage(), cpu_seconds(pids), stolen(), idle()
    watching = asyncio.create_task(_watch(pids, usage, before) if watched else asyncio.sleep(0))
    try:
        with collector_at_rest():
            yield usage
    finally:
        watching.cancel()
        _look(pids, usage, before)
        usage.stolen, usage.idle = round(stolen() - withheld, 3), round(idle() - rested, 3)


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keep this process from collecting garbage while the block runs, which must be a minute's at most."""
    # It waits for replies and looks at documents: its own full collections were the slowest replies of every subject,
    # 13 ms in a new process, 35 ms after some rows.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor time of each process and its children so far, those that have ended included."""
    tree = _children()
    return {name: _spent(pid, tree) for name, pid in pids.items()}


def memory_of(pid: int, tree: Mapping[int, list[int]] | None = None) -> float:
    """MiB of a process; of one with children, what they share is counted once."""
    family = _with_children(pid, _children() if tree is None else tree)
    return (_resident(pid) if len(family) == 1 else sum(map(_proportional, family))) / _MIB


async def _watch(pids: Mapping[str, int], usage: Usage, before: Mapping[str, float]) -> None:
    while True:
        _look(pids, usage, before)
        await asyncio.sleep(_EVERY)


def _look(pids: Mapping[str, int], usage: Usage, before: Mapping[str, float]) -> None:
    tree, now = _children(), time.monotonic()
    for name, pid in pids.items():
        if not (spent := _spent(pid, tree)):
            continue  # it has ended: what was seen last stands
        usage.cpu[name] = round(spent - before[name], 3)
        memory = round(memory_of(pid, tree), 1)
        usage.memory[name] = max(usage.memory.get(name, 0.0), memory)
        usage.trail.setdefault(name, []).append([round(now - usage.began, 1), memory])


def stolen() -> float:
    """Seconds of all cores since boot that the host gave to others (proc(5): the eighth time of the line `cpu`)."""
    return int(_STAT.read_text().split(maxsplit=9)[8]) / _TICKS


def idle() -> float:
    """Seconds of all cores since boot in which there was nothing to do, or only to wait for a disk (proc(5))."""
    return sum(map(int, _STAT.read_text().split(maxsplit=6)[4:6])) / _TICKS


def _spent(pid: int, tree: Mapping[int, list[int]]) -> float:
    return sum(_ticks(one) for one in _with_children(pid, tree)) / _TICKS


def _children() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(folder.name)):
            tree.setdefault(int(fields[1]), []).append(int(folder.name))
    return tree


def _with_children(pid: int, tree: Mapping[int, list[int]]) -> list[int]:
    return [pid, *(one for child in tree.get(pid, ()) for one in _with_children(child, tree))]


def _ticks(pid: int) -> int:
    # Own user and system time, and that of children which have ended and were waited for.
    return sum(map(int, fields[11:15])) if (fields := _stat(pid)) else 0


def _stat(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
