"""python-cqrs: a mediator, a handler, the SQLAlchemy outbox in the unit of work of one `send`, as its README says."""

# mypy: ignore-errors
# The library belongs to the optional group bench and may be absent where types are checked.

import asyncio
import os
from collections.abc import AsyncIterator
from uuid import UUID

import cqrs
import di
from cqrs.bootstrap import requests as bootstrap
from cqrs.outbox.sqlalchemy import OutboxModel
from di import dependent
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.benchmarks.peers.naive.tables import Base, Company
from tests.benchmarks.peers.step.running import run

AT_ONCE = int(os.environ["STEP_AT_ONCE"])

engine = create_async_engine(os.environ["PEER_POSTGRES_URL"], pool_size=AT_ONCE, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class RegisterCompany(cqrs.PydanticRequest):
    """The command."""

    company_id: UUID
    name: str
    seat_limit: int


class Registered(BaseModel):
    """What the event says."""

    company_id: UUID
    name: str
    seat_limit: int


CompanyRegistered = cqrs.PydanticNotificationEvent[Registered]


async def session() -> AsyncIterator[AsyncSession]:
    """One a `send`."""
    async with sessions() as one:
        yield one


class RegisterCompanyHandler(cqrs.RequestHandler[RegisterCompany, None]):
    """Checks, adds the company and the outbox row, commits."""

    def __init__(self, outbox: cqrs.OutboxedEventRepository) -> None:
        self.outbox = outbox

    @property
    def events(self) -> list[cqrs.Event]:
        """None beside the outbox."""
        return []

    async def handle(self, request: RegisterCompany) -> None:
        session, key = self.outbox.session, request.name.casefold()
        if await session.get(Company, request.company_id):
            raise ValueError("company_already_exists")
        if await session.scalar(select(Company.id).where(Company.name_key == key, Company.status != "closed")):
            raise ValueError("name_taken")
        data = {"name": request.name, "seat_limit": request.seat_limit}
        session.add(Company(id=request.company_id, version=1, status="registered", name_key=key, **data))
        payload = Registered(company_id=request.company_id, **data)
        self.outbox.add(CompanyRegistered(event_name="CompanyRegistered", topic="companies", payload=payload))
        await self.outbox.commit()


def outbox(session: AsyncSession) -> cqrs.OutboxedEventRepository:
    """The outbox in the session of this `send`."""
    return cqrs.SqlAlchemyOutboxedEventRepository(session)


def mediator() -> cqrs.RequestMediator:
    """The mediator with its container."""
    container = di.Container()
    for made, kind in ((session, AsyncSession), (outbox, cqrs.OutboxedEventRepository)):
        container.bind(di.bind_by_type(dependent.Dependent(made, scope="request"), kind))
    return bootstrap.bootstrap(
        di_container=container,
        commands_mapper=lambda mapper: mapper.bind(RegisterCompany, RegisterCompanyHandler),
        scope_strategy=cqrs.ScopeStrategy.SEND,
    )


async def main() -> None:
    """Make the tables, then register."""
    cqrs.OutboxedEventMap.register("CompanyRegistered", CompanyRegistered)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, tables=[Company.__table__])
        await connection.run_sync(OutboxModel.metadata.create_all)
    sends = mediator()

    async def register(company_id: str, name: str, seats: int) -> None:
        await sends.send(RegisterCompany(company_id=UUID(company_id), name=name, seat_limit=seats))

    await run(register, AT_ONCE)


if __name__ == "__main__":
    asyncio.run(main())
