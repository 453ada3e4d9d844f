"""From the bytes of an event message to what the engine works on: events, and what of it cannot be read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from contracts.errors import errors_of
from contracts.events import EVENT_LISTS, EVENTS, CompanyEvent, Event, Outcome
from contracts.operations import REPLAY_TYPE
from contracts.values import MAX_MESSAGE_BYTES, Id, ReachedVersion
from read_service.projections.writes import Document

EVENT, MESSAGE, REFUSED = "unreadable_event", "unreadable_message", "refused_by_database"

MOST_KEPT = 8 * 1024 * 1024  # a document has at most 16 MB, and no message of ours a hundredth of it

_UNION: Any = None
for _event in EVENTS.values():
    _UNION = _event if _UNION is None else _UNION | _event
# A replay's messages hold events of all types.
_MIXED: TypeAdapter[list[Event]] = TypeAdapter(list[Annotated[_UNION, Field(discriminator="type")]])
_ID: TypeAdapter[str] = TypeAdapter(Id)
_VERSION: TypeAdapter[int] = TypeAdapter(ReachedVersion)


@dataclass(frozen=True, slots=True)
class Parked:
    """What cannot be processed, as it rests in our custody."""

    key: str
    kind: str
    reason: str
    body: bytes
    company_id: str | None = None
    version: int | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event whose envelope says which company and version it is, and nothing else of it can be used."""

    subject: str
    version: int
    parked: Parked


Change = CompanyEvent | Unreadable
"""One version of a company."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one message holds."""

    changes: list[Change] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    drain: Sequence[str] = ()  # companies whose stored events may be next
    size: int = 0  # bytes of the message

    @property
    def count(self) -> int:
        """How many events it is."""
        return len(self.changes) + len(self.outcomes) + len(self.parked)


def read_event_message(body: bytes, kind: str) -> Work:
    """The work in a message of AMQP type `kind`. Never raises: what cannot be read is part of it."""
    if len(body) > MAX_MESSAGE_BYTES:
        return Work(parked=[_whole(body, f"{len(body)} bytes: a message has at most {MAX_MESSAGE_BYTES}")])
    reader = _MIXED if kind == REPLAY_TYPE else EVENT_LISTS.get(kind)
    try:
        if reader is not None:
            return _sorted(reader.validate_json(body), len(body))
    except ValidationError:
        pass  # one of them at least: each is looked at by itself
    return _one_by_one(body)


def read_stored(body: bytes) -> Change:
    """An event that was stored because it came too early, or is stored as unreadable."""
    found = read_one(from_json(body), body)
    assert not isinstance(found, Outcome | Parked)
    return found


def read_one(found: Any, body: bytes | None = None) -> Change | Outcome | Parked:
    """One event of a message, from its JSON value."""
    # NaN and Infinity stay what they are: as texts, an event that is stored for them would be read the next time.
    raw = body if body is not None else to_json(found, inf_nan_mode="constants")
    if not isinstance(found, dict):
        return _alone(raw, "an event is a JSON object")
    kind = found.get("type")
    model = EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return _with_position(found, raw, f"this type is not known here: {str(kind)[:200]}")
    try:
        event = model.model_validate(found)
    except ValidationError as failure:
        faults = errors_of(failure)[:3]
        reason = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        return _with_position(found, raw, reason)
    assert isinstance(event, CompanyEvent | Outcome)
    return event


def _sorted(events: list[Event], size: int) -> Work:
    work = Work(size=size)
    for event in events:
        if isinstance(event, CompanyEvent):
            work.changes.append(event)
        else:
            assert isinstance(event, Outcome)
            work.outcomes.append(event)
    return work


def _one_by_one(body: bytes) -> Work:
    try:
        found = from_json(body)
    except ValueError as failure:
        return Work(parked=[_whole(body, f"no JSON: {failure}")])
    if not isinstance(found, list):
        return Work(parked=[_whole(body, "an event message is a JSON array of events")])
    work = Work(size=len(body))
    for item in found:
        match read_one(item):
            case Outcome() as outcome:
                work.outcomes.append(outcome)
            case Parked() as parked:
                work.parked.append(parked)
            case change:
                work.changes.append(change)
    return work


def _with_position(found: Document, raw: bytes, reason: str) -> Unreadable | Parked:
    try:
        company_id = _ID.validate_python(found.get("subject"), strict=True)
        version = _VERSION.validate_python(found.get("version"), strict=True)
    except ValidationError:
        return _alone(raw, reason)
    kind = found.get("type")
    named = kind[:200] if isinstance(kind, str) else None
    # One place for one version: sent again with other faults, it is the same case.
    return Unreadable(
        company_id, version, Parked(f"{company_id}/{version}", EVENT, reason, raw, company_id, version, named)
    )


def _alone(raw: bytes, reason: str) -> Parked:
    return Parked(_digest(raw), EVENT, reason, raw)


def _whole(body: bytes, reason: str) -> Parked:
    if len(body) > MOST_KEPT:
        reason += f"; only its first {MOST_KEPT} bytes are kept"
    return Parked(_digest(body), MESSAGE, reason, body[:MOST_KEPT])


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
