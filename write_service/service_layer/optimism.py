"""Whether a batch is tried without locks: two round trips to the database instead of four."""

import time
from collections.abc import Callable, Sequence

from contracts.commands import Command

REST_SECONDS = 10.0


class Optimism:
    """A lone company's commands race other replicas; who has lost such a race takes locks for some seconds.

    Commands of several companies never race: one statement that changes many rows has no order in which to wait for
    those of others. Where replicas share a hot company, the one that is slower would run everything twice, and starve.
    """

    def __init__(self, rest: float = REST_SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._now = now
        self._until = float("-inf")

    def suits(self, commands: Sequence[Command]) -> bool:
        """Whether these may go without locks."""
        return self._now() >= self._until and len({command.subject for command in commands}) == 1

    def lost(self) -> None:
        """Others were quicker."""
        self._until = self._now() + self._rest
