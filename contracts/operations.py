"""What the read service asks of the write service: exchange `operations`, routing key = operation, body = JSON.

Events that are asked for are published to the queue the request names, through the default exchange, as CloudEvents
batches of mixed types ordered by (company_id, version), AMQP type `replay.v1`. The reply, a small JSON object, goes to
`reply_to` with the request's correlation id, after those events were confirmed.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.errors import Error
from contracts.values import Id, Timestamp, Version

EVENTS_MISSING = "events.missing.v1"
EVENTS_REPLAY = "events.replay.v1"
HEADS_CHANGED = "heads.changed.v1"
REPLAY_TYPE = "replay.v1"

# A replay is aimed by its request: only queues of the read service may be filled by it.
ReadQueue = Annotated[str, StringConstraints(pattern=r"^read_service\.[a-z0-9_.-]{1,200}$")]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Position(BaseModel):
    """A company at a version."""

    model_config = ConfigDict(frozen=True)

    company_id: Id
    version: Version


class EventsMissing(_Request):
    """Publish the events of one company with after_version < version <= up_to_version (or its head) to `queue`."""

    company_id: Id
    after_version: Version
    up_to_version: Version | None = None
    queue: ReadQueue


class EventsSent(_Answer):
    """How many events were sent, and the company's version in the log (0: the log does not know it)."""

    status: Literal["ok"] = "ok"
    sent: int
    head: int


class EventsReplay(_Request):
    """Publish one page of the log in the order (company_id, version), after `after`, to `queue`.

    With `companies` only those companies' events.
    """

    queue: ReadQueue
    after: Position | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    companies: Annotated[list[Id], Field(min_length=1, max_length=1_000)] | None = None


class PageSent(_Answer):
    """How many events were sent; `next` is the `after` of the next page, null when the log ended."""

    status: Literal["ok"] = "ok"
    sent: int
    next: Position | None


class HeadsChanged(_Request):
    """The versions of the companies that changed since a time (all without one), in pages by company id."""

    since: Timestamp | None = None
    after: Id | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 5_000


class Heads(_Answer):
    """Companies with their versions; `next` is the `after` of the next page; `as_of` is the database's time."""

    status: Literal["ok"] = "ok"
    heads: list[Position]
    next: Id | None
    as_of: Timestamp


class Refused(_Answer):
    """The request could not be read or carried out."""

    status: Literal["invalid", "error"]
    errors: list[Error]


OPERATIONS: dict[str, type[_Request]] = {
    EVENTS_MISSING: EventsMissing,
    EVENTS_REPLAY: EventsReplay,
    HEADS_CHANGED: HeadsChanged,
}
