"""From a row of a file to the commands that make its company, with ids that are the same whenever it is imported."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.commands import (
    DEFAULT_SEAT_LIMIT,
    ActivateCompany,
    AddUser,
    CloseCompany,
    Command,
    RegisterCompany,
    SuspendCompany,
)
from contracts.errors import Error, error, errors_of
from contracts.making import command
from contracts.values import UUID_PATTERN

SOURCE = "/clients/import"
NAMESPACE = uuid.UUID("0b8b7c61-6a2e-5f0c-9c3a-6d1f8f0a2f6b")
_DEFAULT_REASON = "imported"

_UUID = re.compile(UUID_PATTERN)
_STRICT = ConfigDict(strict=True, extra="forbid")


class InvalidRow(Exception):
    """A row whose company cannot be; nothing of it is sent."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__("; ".join(one["msg"] for one in errors))
        self.errors = errors


class _User(BaseModel):
    model_config = _STRICT
    id: str | int | None = None
    email: str
    full_name: str
    role: str


class _Company(BaseModel):
    model_config = _STRICT
    name: str
    id: str | int
    seat_limit: int = DEFAULT_SEAT_LIMIT
    status: Literal["registered", "active", "suspended", "closed"] = "registered"
    reason: str = _DEFAULT_REASON
    users: list[_User] = []


@dataclass(frozen=True, slots=True)
class Planned:
    """A company to be made: the first command registers it, the others follow once it is registered."""

    line: int
    name: str
    company_id: str
    commands: list[Command]


def plan(line: int, fields: dict[str, Any], id_column: str) -> Planned:
    """The commands of a row. Raises InvalidRow."""
    company = _read(fields)
    company_id = _derived(id_column.casefold(), company.id)
    if company_id is None:
        raise InvalidRow([error("missing", "the id is empty", id_column)])
    return Planned(line, company.name, company_id, list(_commands(company, company_id)))


def _read(fields: dict[str, Any]) -> _Company:
    try:
        return _Company.model_validate(fields)
    except ValidationError as failure:
        raise InvalidRow(errors_of(failure)) from None


def _commands(company: _Company, company_id: str) -> Iterator[Command]:
    yield _command(RegisterCompany, company_id, (), name=company.name, seat_limit=company.seat_limit)
    for place, user in enumerate(company.users):
        kind = f"{company_id}/user"
        user_id = _derived(kind, "" if user.id is None else user.id) or _derived(kind, user.email.lower())
        data = {"user_id": user_id, "email": user.email, "full_name": user.full_name, "role": user.role}
        yield _command(AddUser, company_id, ("users", place), **data)
    if company.status in ("active", "suspended"):
        yield _command(ActivateCompany, company_id, ())
    if company.status == "suspended":
        yield _command(SuspendCompany, company_id, ("reason",), reason=company.reason)
    if company.status == "closed":
        yield _command(CloseCompany, company_id, ("reason",), reason=company.reason)


def _command(kind: type[Command], company_id: str, place: tuple[str | int, ...], **data: Any) -> Command:
    try:
        made = command(kind, company_id, source=SOURCE, **data)
    except ValidationError as failure:
        raise InvalidRow([{**one, "loc": [*place, *one["loc"][1:]]} for one in errors_of(failure)]) from None
    # From the content: the same row is the same command for ever, another row about the same company is another one.
    return made.model_copy(update={"id": str(uuid.uuid5(NAMESPACE, made.digest().hex()))})


def _derived(kind: str, value: str | int) -> str | None:
    """A UUID as it is; of anything else one that follows from it; None of nothing."""
    text = str(value).strip()
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{text}")) if text else None
