"""The command messages: CloudEvents whose data asks for one change of one company."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.values import (
    Attribute,
    CompanyName,
    Email,
    FullName,
    Id,
    Reason,
    Role,
    SeatLimit,
    Timestamp,
    TraceParent,
    TraceState,
    Version,
)

DEFAULT_SEAT_LIMIT = 5

_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)


class NoData(BaseModel):
    """The data of a command that needs none."""

    model_config = _STRICT


class Command(BaseModel):
    """What every command carries around its data (CloudEvents 1.0, JSON format, structured mode)."""

    model_config = _STRICT

    specversion: Literal["1.0"]
    id: Id
    source: Attribute
    type: str
    subject: Id
    time: Timestamp | None = None
    datacontenttype: Annotated[str, StringConstraints(pattern=r"^application/json( *;.*)?$")] | None = None
    dataschema: Attribute | None = None
    expectedversion: Version | None = None
    correlationid: Attribute | None = None
    actor: Attribute | None = None
    traceparent: TraceParent | None = None
    tracestate: TraceState | None = None
    data: Any

    @property
    def company_id(self) -> str:
        """The company that the command is about: the envelope's subject."""
        return self.subject

    def digest(self) -> bytes:
        """32 bytes that are equal for a repeat: type, subject, expected version and normalised data count."""
        head = f"{self.type}\n{self.subject}\n{self.expectedversion}\n"
        return hashlib.sha256(head.encode() + self.data.__pydantic_serializer__.to_json(self.data)).digest()


class _Register(BaseModel):
    model_config = _STRICT
    name: CompanyName
    seat_limit: SeatLimit = DEFAULT_SEAT_LIMIT


class RegisterCompany(Command):
    """Make a company known under an id of the caller's."""

    type: Literal["company.register.v1"]
    data: _Register


class _Name(BaseModel):
    model_config = _STRICT
    name: CompanyName


class RenameCompany(Command):
    """Give a company another name."""

    type: Literal["company.rename.v1"]
    data: _Name


class ActivateCompany(Command):
    """Let a registered or suspended company work."""

    type: Literal["company.activate.v1"]
    data: NoData = NoData()


class _Reason(BaseModel):
    model_config = _STRICT
    reason: Reason


class SuspendCompany(Command):
    """Stop an active company for a while."""

    type: Literal["company.suspend.v1"]
    data: _Reason


class CloseCompany(Command):
    """End a company for ever and free its name."""

    type: Literal["company.close.v1"]
    data: _Reason


class _SeatLimit(BaseModel):
    model_config = _STRICT
    seat_limit: SeatLimit


class ChangeSeatLimit(Command):
    """Set how many users a company may have."""

    type: Literal["company.change_seat_limit.v1"]
    data: _SeatLimit


class _NewUser(BaseModel):
    model_config = _STRICT
    user_id: Id
    email: Email
    full_name: FullName
    role: Role


class AddUser(Command):
    """Make a person a user of a company."""

    type: Literal["user.add.v1"]
    data: _NewUser


class _UserRole(BaseModel):
    model_config = _STRICT
    user_id: Id
    role: Role


class ChangeUserRole(Command):
    """Give a user another role."""

    type: Literal["user.change_role.v1"]
    data: _UserRole


class _UserName(BaseModel):
    model_config = _STRICT
    user_id: Id
    full_name: FullName


class RenameUser(Command):
    """Correct a user's full name."""

    type: Literal["user.rename.v1"]
    data: _UserName


class _UserEmail(BaseModel):
    model_config = _STRICT
    user_id: Id
    email: Email


class ChangeUserEmail(Command):
    """Give a user another email address."""

    type: Literal["user.change_email.v1"]
    data: _UserEmail


class _User(BaseModel):
    model_config = _STRICT
    user_id: Id


class RemoveUser(Command):
    """Take a user out of a company."""

    type: Literal["user.remove.v1"]
    data: _User


def wire_type(message: type[BaseModel]) -> str:
    """The wire type that a message class stands for, as `company.register.v1`."""
    literal: str = message.model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]
    return literal


COMMANDS: dict[str, type[Command]] = {
    wire_type(command): command
    for command in (
        RegisterCompany,
        RenameCompany,
        ActivateCompany,
        SuspendCompany,
        CloseCompany,
        ChangeSeatLimit,
        AddUser,
        ChangeUserRole,
        RenameUser,
        ChangeUserEmail,
        RemoveUser,
    )
}
