"""What the tools of the command line work on: the documents of one generation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from read_service.adapters.generations import active_generation
from read_service.adapters.mongo import Database, connected
from read_service.entrypoints.reaching import Unreachable
from read_service.settings import SetupSettings


@asynccontextmanager
async def documents_of(settings: SetupSettings, generation: int | None) -> AsyncIterator[tuple[Database, int]]:
    """The documents' database and a generation, the active one unless it is named. Raises Unreachable or StoreAway."""
    async with connected(settings.mongo_url, name="read_service tools") as database:
        number = generation or await active_generation(database)
        if number is None:
            raise Unreachable("there are no documents yet: run read-service setup")
        yield database, number
