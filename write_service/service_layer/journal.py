"""The journal of attempts: whoever finds a command there that nobody attempts knows that its process died meanwhile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import Protocol

from contracts.commands import Command

Watched = Callable[[Sequence[Command]], AbstractAsyncContextManager[None]]
"""What surrounds one attempt to handle and commit commands. Raises only before the attempt."""


class Journal(Protocol):
    """What is known of commands that are attempted under suspicion."""

    async def deaths(self, command_ids: Sequence[str]) -> Mapping[str, int]:
        """How often the process died of each, without those of which it never did; waits for attempts under way."""

    def attempt(self, command_ids: Sequence[str]) -> AbstractAsyncContextManager[None]:
        """Writes durably that they are attempted; after the block they are forgotten, or as before if it failed."""

    async def settle(self) -> None:
        """Write what could not be written at the end of an attempt. Raises while Postgres is away."""

    async def forget(self, command_id: str) -> None:
        """The command has its end: should a person send it again, it starts anew."""


def unwatched(_: Sequence[Command]) -> AbstractAsyncContextManager[None]:
    """Nothing is written down."""
    return nullcontext()


class Watch:
    """Writes attempts into the journal while it is on.

    Each attempt by itself, and not the time between two of them: a process that waits for the database, and is ended
    by a person meanwhile, has not died of the commands that wait in it.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._is_on = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Attempts are written down while the block runs."""
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    def attempt(self, commands: Sequence[Command]) -> AbstractAsyncContextManager[None]:
        """What surrounds an attempt at these commands."""
        return self._journal.attempt([command.id for command in commands]) if self._is_on else nullcontext()
