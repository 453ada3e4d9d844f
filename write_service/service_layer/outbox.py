"""The outbox as publishing sees it: committed events that the broker has not yet confirmed."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Unpublished(NamedTuple):
    """One row of the outbox: the event's id, its wire type, its envelope as JSON, and its trace where there is one."""

    event_id: str
    type: str
    body: bytes
    traceparent: str | None = None


class Depth(NamedTuple):
    """How many rows wait, and the age in seconds of the oldest (0 without one)."""

    rows: int
    oldest: float


class Claim(Protocol):
    """Rows that this process alone looks at while the claim is open."""

    rows: Sequence[Unpublished]

    async def delete(self, event_ids: Sequence[str]) -> None:
        """Forget these rows of the claim: the broker has them. Holds when the claim is closed without an error."""


class Outbox(Protocol):
    """Where the events of a commit wait for their publishing."""

    async def delete(self, event_ids: Sequence[str]) -> None:
        """Forget rows that the broker has confirmed, in a transaction of its own."""

    def claim(self, older_than: float, limit: int) -> AbstractAsyncContextManager[Claim]:
        """The oldest rows of at least that age in seconds, without those that another replica has claimed."""

    async def depth(self) -> Depth:
        """How much waits at this moment."""


class EventMessages(Protocol):
    """The way to the bus."""

    @property
    def stalled_for(self) -> float:
        """Seconds since publishing stopped to succeed; 0 is well."""

    async def publish(self, rows: Sequence[Unpublished], by: str) -> list[str]:
        """The ids of the rows that the broker confirmed; never raises for the others.

        Without rows it is asked whether it confirms again, where it had stopped.
        """
