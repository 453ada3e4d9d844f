"""The event messages: CloudEvents that say what happened. Readers ignore fields that they do not know."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from contracts.commands import wire_type
from contracts.values import Id, ReachedVersion, Role, SeatLimit, Timestamp

SOURCE = "/registrar/write_service"

_TOLERANT = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Data(BaseModel):
    model_config = _TOLERANT


class Event(BaseModel):
    """What every event carries around its data. `id` and `time` are stored, and the same in every replay."""

    model_config = _TOLERANT

    specversion: Literal["1.0"]
    id: Id
    source: str
    type: str
    subject: Id
    time: str
    commandid: Id
    correlationid: str | None = None
    actor: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    data: Any

    @property
    def company_id(self) -> str:
        """The company that the event is about: the envelope's subject."""
        return self.subject


class CompanyEvent(Event):
    """A change of one company: `version` is the company's version after it, and leaves no number out."""

    version: ReachedVersion


class Outcome(Event):
    """What became of a command that changed nothing: outside the version sequence, applied by command id."""

    time: Timestamp  # from here readers count the days until they forget it


class _Registered(_Data):
    name: str
    seat_limit: SeatLimit


class CompanyRegistered(CompanyEvent):
    """A company was made known."""

    type: Literal["company.registered.v1"]
    data: _Registered


class _Renamed(_Data):
    name: str
    previous_name: str


class CompanyRenamed(CompanyEvent):
    """A company got another name."""

    type: Literal["company.renamed.v1"]
    data: _Renamed


class CompanyActivated(CompanyEvent):
    """A company may work."""

    type: Literal["company.activated.v1"]
    data: _Data


class _Reason(_Data):
    reason: str


class CompanySuspended(CompanyEvent):
    """A company was stopped for a while."""

    type: Literal["company.suspended.v1"]
    data: _Reason


class CompanyClosed(CompanyEvent):
    """A company ended for ever."""

    type: Literal["company.closed.v1"]
    data: _Reason


class _SeatLimitChanged(_Data):
    seat_limit: SeatLimit
    previous_seat_limit: SeatLimit


class SeatLimitChanged(CompanyEvent):
    """A company may have more or fewer users."""

    type: Literal["company.seat_limit_changed.v1"]
    data: _SeatLimitChanged


class _UserAdded(_Data):
    user_id: Id
    email: str | None  # null once the person was erased from history
    full_name: str | None
    role: Role


class UserAdded(CompanyEvent):
    """A person became a user of a company."""

    type: Literal["user.added.v1"]
    data: _UserAdded


class _RoleChanged(_Data):
    user_id: Id
    role: Role
    previous_role: Role


class UserRoleChanged(CompanyEvent):
    """A user got another role."""

    type: Literal["user.role_changed.v1"]
    data: _RoleChanged


class _UserRenamed(_Data):
    user_id: Id
    full_name: str | None


class UserRenamed(CompanyEvent):
    """A user's full name was corrected."""

    type: Literal["user.renamed.v1"]
    data: _UserRenamed


class _EmailChanged(_Data):
    user_id: Id
    email: str | None


class UserEmailChanged(CompanyEvent):
    """A user got another email address."""

    type: Literal["user.email_changed.v1"]
    data: _EmailChanged


class _UserRemoved(_Data):
    user_id: Id
    role: Role


class UserRemoved(CompanyEvent):
    """A user left a company."""

    type: Literal["user.removed.v1"]
    data: _UserRemoved


class _Rejected(_Data):
    command_id: Id
    command_type: str
    code: str
    message: str
    details: dict[str, Any]


class CommandRejected(Outcome):
    """A command broke a rule and changed nothing."""

    type: Literal["command.rejected.v1"]
    data: _Rejected


class _Unchanged(_Data):
    command_id: Id
    command_type: str


class CommandUnchanged(Outcome):
    """A command was accepted and had nothing to change."""

    type: Literal["command.unchanged.v1"]
    data: _Unchanged


EVENTS: dict[str, type[Event]] = {
    wire_type(event): event
    for event in (
        CompanyRegistered,
        CompanyRenamed,
        CompanyActivated,
        CompanySuspended,
        CompanyClosed,
        SeatLimitChanged,
        UserAdded,
        UserRoleChanged,
        UserRenamed,
        UserEmailChanged,
        UserRemoved,
        CommandRejected,
        CommandUnchanged,
    )
}

EVENT_LISTS: dict[str, TypeAdapter[list[Event]]] = {
    name: TypeAdapter(list[event])  # type: ignore[valid-type]
    for name, event in EVENTS.items()
}
