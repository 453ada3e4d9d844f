"""Parking: what cannot be processed rests in our custody, with its reason, until a person decides."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

UNREADABLE = "unreadable"  # no command could be read; its sender was told `invalid`
HANDLER_FAILED = "handler_failed"  # a handler raised something that is no rejection
REFUSED = "refused_by_database"  # the database refuses this command's data
CRASHED = "crashed"  # it ended the process, more than once, while it ran alone
DEAD_LETTER = "dead_letter"  # the broker gave up on it
KINDS = (UNREADABLE, HANDLER_FAILED, REFUSED, CRASHED, DEAD_LETTER)


@dataclass(frozen=True, slots=True)
class ToPark:
    """A message, or one command of a batch, on its way into custody. `properties` are those of AMQP, as JSON."""

    kind: str
    reason: str
    body: bytes
    exchange: str
    routing_key: str
    content_type: str | None = None
    message_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    command_id: str | None = None
    command_type: str | None = None
    company_id: str | None = None

    def digest(self) -> bytes:
        """Equal for the same message parked again: redelivered after a crash, or resent and failed once more."""
        head = f"{self.message_id}\n{self.exchange}\n{self.routing_key}\n{self.content_type}\n"
        return hashlib.sha256(head.encode() + self.body).digest()


class Parking(Protocol):
    """The custody."""

    async def park(self, messages: Sequence[ToPark]) -> None:
        """Keep these messages durably; acknowledge them only after this returned.

        One that is kept already stays as it is; one that was resent or dropped is open again, with one try more and
        its history. Raises when the database cannot be reached.
        """
