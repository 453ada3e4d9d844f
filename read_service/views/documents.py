"""The documents of one generation, as views read them: from the primary, majority committed, within a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from read_service.adapters.collections import name_of
from read_service.adapters.finding import find_one
from read_service.adapters.mongo import Database, Session

Document = dict[str, Any]
Filter = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Documents:
    """One generation's collections; inside `snapshot()` all reads see them at one moment."""

    database: Database  # of a client that reads with majority, from the primary
    generation: int
    time_limit_ms: int
    session: Session | None = None

    def collection(self, name: str) -> str:
        """The name of a collection in this generation."""
        return name_of(name, self.generation)

    async def one(self, name: str, where: Filter, fields: Filter | None = None) -> Document | None:
        """The document that matches, or None."""
        return await find_one(
            self.database,
            self.collection(name),
            where,
            fields,
            time_limit_ms=self.time_limit_ms,
            session=self.session,
        )

    async def many(
        self, name: str, where: Filter, *, sort: Sort | None = None, limit: int = 0, fields: Filter | None = None
    ) -> list[Document]:
        """The documents that match, in order, `limit` at most (0: all)."""
        collection = self.database[self.collection(name)]
        cursor = collection.find(
            where, fields, sort=sort, limit=limit, session=self.session, max_time_ms=self.time_limit_ms
        )
        found: list[Document] = await cursor.to_list(limit or None)
        return found

    async def aggregate(self, name: str, pipeline: Sequence[Filter]) -> list[Document]:
        """What the pipeline yields."""
        collection = self.database[self.collection(name)]
        cursor = collection.aggregate(pipeline, session=self.session, maxTimeMS=self.time_limit_ms)
        found: list[Document] = await cursor.to_list(None)
        return found

    async def knows(self, company_id: str) -> bool:
        """Whether there is a version of this company; events that came too early are none yet."""
        return await self.one("positions", {"_id": is_(company_id), "version": {"$gt": 0}}) is not None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Documents"]:
        """The same documents, all of them as they are at the first read: what one read shows, the next does too."""
        if self.session is not None:
            yield self
            return
        async with await self.database.client.start_session(snapshot=True) as session:
            yield replace(self, session=session)


def is_(value: Any) -> Document:
    """A condition for a value from outside: taken as a value, whatever it looks like, never as an operator."""
    return {"$eq": value}
