"""One handler a command: query, check the rules, change the mapped objects; returns the event's type and data."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.benchmarks.peers.naive.messages import Command, Name, NewCompany, NewUser, UserName
from tests.benchmarks.peers.naive.tables import Company, User

Happened = tuple[Company, str, dict[str, Any]]


class Rejection(Exception):
    """A rule was broken; the argument is its code."""


async def register(command: Command, session: AsyncSession) -> Happened:
    data = NewCompany.model_validate(command.data)
    if await session.get(Company, command.subject):
        raise Rejection("company_already_exists")
    await _name_is_free(data.name, command.subject, session)
    company = Company(
        id=command.subject,
        version=0,
        status="registered",
        name=data.name,
        name_key=data.name.casefold(),
        seat_limit=data.seat_limit,
        user_count=0,
        owner_count=0,
    )
    session.add(company)
    return company, "company.registered.v1", data.model_dump()


async def rename(command: Command, session: AsyncSession) -> Happened:
    data, company = Name.model_validate(command.data), await _company(command, session)
    await _name_is_free(data.name, company.id, session)
    before, company.name, company.name_key = company.name, data.name, data.name.casefold()
    return company, "company.renamed.v1", {"name": data.name, "previous_name": before}


async def activate(command: Command, session: AsyncSession) -> Happened:
    company = await _company(command, session)
    if company.status not in ("registered", "suspended"):
        raise Rejection("invalid_transition")
    if not company.owner_count:
        raise Rejection("owner_required")
    company.status = "active"
    return company, "company.activated.v1", {}


async def add_user(command: Command, session: AsyncSession) -> Happened:
    data, company = NewUser.model_validate(command.data), await _company(command, session)
    if company.status == "suspended":
        raise Rejection("company_suspended")
    if company.user_count >= company.seat_limit:
        raise Rejection("seat_limit_reached")
    same = (User.user_id == data.user_id) | (User.email == data.email.lower())
    if await session.scalar(select(User.user_id).where(User.company_id == company.id, same).limit(1)):
        raise Rejection("user_already_exists")
    fields = {"user_id": data.user_id, "email": data.email.lower(), "full_name": data.full_name, "role": data.role}
    session.add(User(company_id=company.id, **fields))
    company.user_count += 1
    company.owner_count += data.role == "owner"
    return company, "user.added.v1", fields | {"user_id": str(data.user_id)}


async def rename_user(command: Command, session: AsyncSession) -> Happened:
    data, company = UserName.model_validate(command.data), await _company(command, session)
    user = await session.get(User, (company.id, data.user_id))
    if user is None:
        raise Rejection("user_not_found")
    user.full_name = data.full_name
    return company, "user.renamed.v1", data.model_dump(mode="json")


async def _company(command: Command, session: AsyncSession) -> Company:
    company = await session.get(Company, command.subject, with_for_update=True)
    if company is None:
        raise Rejection("company_not_found")
    if company.status == "closed":
        raise Rejection("company_closed")
    return company


async def _name_is_free(name: str, company_id: UUID, session: AsyncSession) -> None:
    holders = select(Company.id).where(Company.name_key == name.casefold(), Company.status != "closed")
    if await session.scalar(holders.where(Company.id != company_id)):
        raise Rejection("name_taken")


HANDLERS: dict[str, Callable[[Command, AsyncSession], Awaitable[Happened]]] = {
    "company.register.v1": register,
    "company.rename.v1": rename,
    "company.activate.v1": activate,
    "user.add.v1": add_user,
    "user.rename.v1": rename_user,
}
