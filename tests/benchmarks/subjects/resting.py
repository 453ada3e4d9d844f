"""Processes that stand still while others are measured."""

import os
import signal
from collections.abc import Iterable


class Resting:
    """Which processes stand still; stops them where they are, and lets them go on."""

    def __init__(self) -> None:
        self._resting: set[int] = set()

    def rest(self, pids: Iterable[int]) -> None:
        """Stop these processes where they stand."""
        for pid in set(pids) - self._resting:
            os.kill(pid, signal.SIGSTOP)
            self._resting.add(pid)

    def wake(self, pids: Iterable[int]) -> None:
        """Let these processes go on."""
        for pid in set(pids) & self._resting:
            os.kill(pid, signal.SIGCONT)
            self._resting.discard(pid)
