"""What goes into a transaction and comes out of it, as plain records."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from write_service.domain.company import Company
from write_service.domain.membership import User
from write_service.service_layer.outbox import Unpublished

ACCEPTED: Literal["accepted"] = "accepted"
REJECTED: Literal["rejected"] = "rejected"
UNCHANGED: Literal["unchanged"] = "unchanged"
Kind = Literal["accepted", "rejected", "unchanged"]


class Outcome(NamedTuple):
    """What became of a command, by its id; the digest tells a repeat from another command under the same id."""

    command_id: str
    company_id: str
    digest: bytes
    kind: Kind
    version: int | None = None  # of the company, where the command was accepted
    code: str | None = None
    message: str | None = None
    details: dict[str, Any] | None = None


class EventRecord(NamedTuple):
    """An event as the log keeps it; `data` is JSON."""

    event_id: str
    company_id: str
    version: int
    type: str
    data: str
    command_id: str
    digest: bytes
    recorded_at: datetime
    correlationid: str | None = None
    actor: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class UserRecord(NamedTuple):
    """A user as it is to be stored; None where it is to be removed."""

    company_id: str
    user_id: str
    user: User | None


class CompanyRecord(NamedTuple):
    """A company as it is to be stored, and the version that the stored one must have (0: there is none)."""

    company: Company
    previous: int


@dataclass(slots=True)
class Wanted:
    """What a batch of commands needs to see."""

    company_ids: set[str] = field(default_factory=set)
    command_ids: set[str] = field(default_factory=set)
    name_keys: set[str] = field(default_factory=set)
    user_ids: set[tuple[str, str]] = field(default_factory=set)  # (company, user)
    emails: set[tuple[str, str]] = field(default_factory=set)  # (company, email)


@dataclass(slots=True)
class Loaded:
    """What was found, at the database's time after the locks."""

    now: datetime
    companies: dict[str, Company]  # every one wanted, at version 0 where it does not exist
    holders: dict[str, str]  # name key to the company that has the name and is not closed
    outcomes: dict[str, Outcome]


@dataclass(slots=True)
class Changes:
    """What a batch of commands writes."""

    now: datetime
    companies: list[CompanyRecord] = field(default_factory=list)
    users: list[UserRecord] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    outbox: list[Unpublished] = field(default_factory=list)
