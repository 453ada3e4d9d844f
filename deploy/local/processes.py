"""Processes that outlive the command that started them: started, recognised, ended by their id."""

import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "REGISTRAR_STACK"  # in the environment of every process of a stack: how one that was forgotten is found

_WIDTH = 300  # of a line that is shown; MongoDB's are long
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Known:
    """A process and the moment it started, so that another one under the same id is never taken for it."""

    pid: int
    started: str


def spawn(command: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> Known:
    """Start a process in a session of its own; what it says is added to the log. Raises FileNotFoundError."""
    arguments = [str(part) for part in command]
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawnp(arguments[0], arguments, dict(environment), file_actions=actions, setsid=True)
    return Known(pid, _started(pid) or "gone")


def alive(known: Known) -> bool:
    """Whether this very process still runs."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(known.pid, os.WNOHANG)  # a child of ours that has ended must not stay as a zombie
    return _started(known.pid) == known.started


def send(known: Known, number: signal.Signals) -> None:
    """Send a signal, if it is still there."""
    if alive(known):
        with contextlib.suppress(ProcessLookupError):
            os.kill(known.pid, number)


def end(known: Known, number: signal.Signals = signal.SIGTERM, within: float = 30) -> bool:
    """Ask it to stop, and kill it when it has not after so many seconds. False when it had to be killed."""
    send(known, number)
    if _gone(known, within):
        return True
    send(known, signal.SIGKILL)
    _gone(known, within=10)
    return False


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    said = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line[:_WIDTH]}" for line in said[-lines:]) or "    (its log is empty)"


def marked(mark: str) -> list[Known]:
    """The processes that carry this mark in their environment, as far as they may be looked at."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(Known(int(folder.name), _started(int(folder.name)) or "gone"))
    return [known for known in found if known.started != "gone"]


def _gone(known: Known, within: float) -> bool:
    end_at = time.monotonic() + within
    while alive(known):
        if time.monotonic() > end_at:
            return False
        time.sleep(0.02)
    return True


def _started(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{_BOOT.read_text().strip()}:{ticks}"
