"""Asking the write service over the bus: one answer to one request."""

import uuid
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel
from pydantic_core import from_json

from contracts.calls import Calls
from contracts.failures import ClientError
from contracts.line import transient
from contracts.operations import (
    EVENTS_MISSING,
    EVENTS_REPLAY,
    HEADS_CHANGED,
    EventsMissing,
    EventsReplay,
    EventsSent,
    Heads,
    HeadsChanged,
    PageSent,
    Refused,
)
from contracts.topology import OPERATIONS

ANSWER_SECONDS = 30.0  # the write service itself gives up after twenty

Answer = TypeVar("Answer", bound=BaseModel)


class NotAnswered(Exception):
    """The write service did not answer, or could not do it; the message says which and why."""


class WriteService:
    """What the read service may ask of the write service. Asking again is harmless."""

    def __init__(self, amqp_url: str, *, name: str, within: float = ANSWER_SECONDS) -> None:
        self._calls = Calls(amqp_url, name=name)
        self._within = within

    async def missing(self, request: EventsMissing) -> EventsSent:
        """Have versions of one company sent. Raises NotAnswered."""
        return await self._ask(EVENTS_MISSING, request, EventsSent)

    async def replay(self, request: EventsReplay) -> PageSent:
        """Have one page of the log sent. Raises NotAnswered."""
        return await self._ask(EVENTS_REPLAY, request, PageSent)

    async def heads(self, request: HeadsChanged) -> Heads:
        """Companies with their versions. Raises NotAnswered."""
        return await self._ask(HEADS_CHANGED, request, Heads)

    async def _ask(self, operation: str, request: BaseModel, kind: type[Answer]) -> Answer:
        body = request.model_dump_json(exclude_none=True).encode()
        message = transient(body, message_id=str(uuid.uuid4()), content_type="application/json", type=operation)
        try:
            # Not sent again meanwhile: the queue keeps it for a write service that is just starting.
            found = await self._calls.call(OPERATIONS, operation, message, timeout=self._within, patience=self._within)
            answer = _answer(kind, found)
        except (ClientError, ValueError, KeyError, TypeError) as failure:
            raise NotAnswered(f"{operation}: {failure}") from failure
        if isinstance(answer, Refused):
            raise NotAnswered(f"{operation}: {'; '.join(fault['msg'] for fault in answer.errors)}")
        return answer

    async def __aenter__(self) -> "WriteService":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._calls.close()


def _answer(kind: type[Answer], found: bytes) -> Answer | Refused:
    refused = from_json(found)["status"] != "ok"
    return Refused.model_validate_json(found) if refused else kind.model_validate_json(found)
