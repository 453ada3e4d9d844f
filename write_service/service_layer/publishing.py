"""From domain events and outcomes to what is published: the one place that knows the wire's names for them."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from contracts.commands import Command, wire_type
from contracts.events import (
    SOURCE,
    CommandRejected,
    CommandUnchanged,
    CompanyActivated,
    CompanyClosed,
    CompanyRegistered,
    CompanyRenamed,
    CompanySuspended,
    SeatLimitChanged,
    UserAdded,
    UserEmailChanged,
    UserRemoved,
    UserRenamed,
    UserRoleChanged,
)
from write_service.domain import events
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.records import REJECTED, EventRecord, Outcome

# The data of version 1 has the names of the domain's fields; a version 2 that differs gets a function of its own.
_WIRE_TYPES: dict[type[events.Event], str] = {
    events.CompanyRegistered: wire_type(CompanyRegistered),
    events.CompanyRenamed: wire_type(CompanyRenamed),
    events.CompanyActivated: wire_type(CompanyActivated),
    events.CompanySuspended: wire_type(CompanySuspended),
    events.CompanyClosed: wire_type(CompanyClosed),
    events.SeatLimitChanged: wire_type(SeatLimitChanged),
    events.UserAdded: wire_type(UserAdded),
    events.UserRoleChanged: wire_type(UserRoleChanged),
    events.UserRenamed: wire_type(UserRenamed),
    events.UserEmailChanged: wire_type(UserEmailChanged),
    events.UserRemoved: wire_type(UserRemoved),
}
_FIELDS = {event: [field.name for field in fields(event)] for event in _WIRE_TYPES}
_REJECTED = wire_type(CommandRejected)
_UNCHANGED = wire_type(CommandUnchanged)
_DRAWN = 32
_COPIED = ("correlationid", "actor", "traceparent", "tracestate")


def event_ids(now: datetime) -> Iterator[str]:
    """Ids for events, without end: UUIDs of version 7, so that what is stored by them lies in the order of time."""
    at = f"{int(now.timestamp() * 1000):012x}"
    head = f"{at[:8]}-{at[8:]}-7"
    for number, random in zip(itertools.cycle(range(4096)), _randoms()):  # the twelve bits that RFC 9562 leaves
        yield f"{head}{number:03x}-{'89ab'[int(random[0], 16) & 3]}{random[1:4]}-{random[4:]}"


def _randoms() -> Iterator[str]:
    """Eight random bytes each, in hexadecimal; drawn for many at once, a tenth of the time."""
    while True:
        drawn = os.urandom(8 * _DRAWN).hex()
        yield from (drawn[at : at + 16] for at in range(0, 16 * _DRAWN, 16))


def event_record(
    event: events.Event, version: int, command: Command, *, event_id: str, digest: bytes, now: datetime
) -> EventRecord:
    """The log's record of an event that brought the command's company to this version."""
    kind = type(event)
    return EventRecord(
        event_id,
        command.subject,
        version,
        _WIRE_TYPES[kind],
        to_json({name: getattr(event, name) for name in _FIELDS[kind]}).decode(),
        command.id,
        digest,
        now,
        command.correlationid,
        command.actor,
        command.traceparent,
        command.tracestate,
    )


def published_event(record: EventRecord) -> Unpublished:
    """The wire form of an event; the same whenever it is made from the log."""
    head = _head(record.event_id, record.type, record.company_id, record.recorded_at)
    head |= {"version": record.version, "commandid": record.command_id}
    return Unpublished(record.event_id, record.type, _body(head, record, record.data.encode()), record.traceparent)


def published_outcome(outcome: Outcome, command: Command, *, event_id: str, now: datetime) -> Unpublished:
    """The wire form of the news that a command changed nothing: it was rejected, or had nothing to change."""
    data: dict[str, Any] = {"command_id": command.id, "command_type": command.type}
    kind = _UNCHANGED
    if outcome.kind == REJECTED:
        kind = _REJECTED
        data |= {"code": outcome.code, "message": outcome.message, "details": outcome.details}
    head = _head(event_id, kind, command.subject, now) | {"commandid": command.id}
    return Unpublished(event_id, kind, _body(head, command, to_json(data)), command.traceparent)


@lru_cache(16)  # the events of a commit have one time
def wire_time(time: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds, so that times sort as text."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _head(event_id: str, kind: str, company_id: str, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "subject": company_id,
        "time": wire_time(now),
        "datacontenttype": "application/json",
    }


def _body(head: dict[str, Any], cause: Command | EventRecord, data: bytes) -> bytes:
    for name in _COPIED:
        if (value := getattr(cause, name)) is not None:
            head[name] = value
    return to_json(head)[:-1] + b',"data":' + data + b"}"  # the data is JSON already
