"""eventsourcing: an application with aggregates on its Postgres recorder; a name is claimed by an aggregate of its own.

Its application is synchronous, so that threads do the work; the recorder serialises the appends by a lock.
"""

# mypy: ignore-errors
# The library belongs to the optional group bench and may be absent where types are checked.

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.benchmarks.peers.step.running import run

AT_ONCE = int(os.environ["STEP_AT_ONCE"])


class Company(Aggregate):
    """A company; its id comes from outside."""

    @event("Registered")
    def __init__(self, company_id: UUID, name: str, seat_limit: int) -> None:
        self.company_id = company_id
        self.name = name
        self.seat_limit = seat_limit
        self.status = "registered"

    @staticmethod
    def create_id(company_id: UUID, **_: object) -> UUID:
        return company_id


class Name(Aggregate):
    """A name that is taken: its id follows from the name, so that a second claim is a conflict."""

    @event("Claimed")
    def __init__(self, name: str, company_id: UUID) -> None:
        self.name = name
        self.company_id = company_id

    @staticmethod
    def create_id(name: str, **_: object) -> UUID:
        return uuid5(NAMESPACE_URL, f"/names/{name.casefold()}")


class Registrar(Application):
    """The application."""

    def register(self, company_id: UUID, name: str, seat_limit: int) -> None:
        """Both aggregates' events in one transaction."""
        self.save(Company(company_id=company_id, name=name, seat_limit=seat_limit), Name(name, company_id))


def environment(url: str) -> dict[str, str]:
    """The library's own variables."""
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": str(parts.hostname),
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": str(parts.username),
        "POSTGRES_PASSWORD": str(parts.password),
        "POSTGRES_POOL_SIZE": str(AT_ONCE),
        "POSTGRES_MAX_OVERFLOW": "0",
    }


async def main() -> None:
    """Make the tables (the application does), then register."""
    application = Registrar(environment(os.environ["PEER_POSTGRES_URL"]))
    with ThreadPoolExecutor(AT_ONCE) as threads:

        async def register(company_id: str, name: str, seats: int) -> None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(threads, application.register, UUID(company_id), name, seats)

        await run(register, AT_ONCE)
    application.close()


if __name__ == "__main__":
    asyncio.run(main())
