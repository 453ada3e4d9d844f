"""The generation of documents that is active, followed by one look at its pointer again and again."""

import asyncio

import structlog

from read_service.adapters.generations import active_generation
from read_service.adapters.mongo import Database, StoreAway
from read_service.views.documents import Documents
from read_service.views.refusals import NotNow

_LOOK_SECONDS = 0.8  # replicas follow a flip within a second

log = structlog.get_logger()


class Current:
    """Gives each query the documents of the generation that is active when it begins."""

    def __init__(self, database: Database, time_limit_ms: int) -> None:
        self._database = database
        self._time_limit_ms = time_limit_ms
        self._documents: Documents | None = None

    def documents(self) -> Documents:
        """The documents to read from. Raises NotNow as long as no generation is known."""
        if self._documents is None:
            raise NotNow("no documents are known yet: ask again")
        return self._documents

    @property
    def generation(self) -> int:
        """The number of that generation. Raises NotNow as long as none is known."""
        return self.documents().generation

    async def look(self) -> int | None:
        """The active generation as the pointer names it now; None where setup has not run. Raises StoreAway."""
        active = await active_generation(self._database)
        if active is not None and (self._documents is None or self._documents.generation != active):
            log.info("generation_active", generation=active)
            self._documents = Documents(self._database, active, self._time_limit_ms)
        return active

    async def follow(self) -> None:
        """Look again and again, for ever."""
        while True:
            try:
                if await self.look() is None:
                    log.warning("no_generation", hint="run: read-service setup")
            except StoreAway as failure:
                log.warning("generation_unread", error=str(failure))
            await asyncio.sleep(_LOOK_SECONDS)
