"""What a subject has stored: how far it is, asked cheaply while it works; whether all of it is right, afterwards."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
from pymongo import AsyncMongoClient


class Wrong(Exception):
    """A subject's result is not what its commands ask for: its time does not count."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over everything that is stored on one side."""

    events: int
    versions: int  # of all companies, added up
    companies: int
    users: int
    counted: int  # companies by the statistics


_PROGRESS = """
    SELECT CASE WHEN given < $2 THEN given
                WHEN EXISTS (SELECT FROM outbox) THEN $2 - 1
                ELSE (SELECT count(*) FROM events WHERE recorded_at >= $3) END
    FROM (SELECT last_value - $1 + is_called::int AS given FROM events_position_seq) AS positions"""
_MARK = "SELECT last_value + is_called::int, clock_timestamp() FROM events_position_seq"
_LEAST = str(uuid.UUID(int=0))
_SOME = "SELECT id::text, version, status, name FROM companies WHERE id >= $1 ORDER BY id LIMIT 200"
_TOTALS = """
    SELECT (SELECT count(*) FROM events), (SELECT coalesce(sum(version), 0) FROM companies),
           (SELECT count(*) FROM companies), (SELECT count(*) FROM users)"""


Seen = dict[str, tuple[int, str, str]]
"""Companies by their id: version, status and name."""


class Log:
    """The write side's database: tables companies, users, events (with position and recorded_at) and outbox."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._position, self._since = 0, None
        self.stocked = 0  # events put there in bulk, of companies that are not there

    @classmethod
    async def at(cls, url: str) -> "Log":
        """The database at this address."""
        return cls(await asyncpg.connect(url))

    async def mark(self) -> None:
        """Count from here."""
        row = await self._connection.fetchrow(_MARK)
        assert row is not None
        self._position, self._since = row[0], row[1]

    async def confirmed(self, goal: int) -> int:
        """Events since the mark; as many as the goal only when they are committed and nothing waits to be published."""
        return int(await self._connection.fetchval(_PROGRESS, self._position, goal, self._since))

    async def totals(self) -> Totals:
        """Sums over all of it."""
        row = await self._connection.fetchrow(_TOTALS)
        assert row is not None
        events, versions, companies, users = map(int, row)
        return Totals(events - self.stocked, versions, companies, users, companies)

    async def some(self, first: str) -> Seen:
        """Two hundred companies from this id on; where there is none, from the least."""
        rows = await self._connection.fetch(_SOME, first) or await self._connection.fetch(_SOME, _LEAST)
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


class Documents:
    """The read side's database: companies, users, activity and statistics in slots, under names with this ending."""

    def __init__(self, url: str, ending: str = "") -> None:
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, readConcernLevel="majority")
        self._database = self._client.get_default_database()
        self._ending = ending
        self._before = 0
        self.stocked = 0  # companies put there in bulk: of them there are neither activity nor statistics

    def named(self, name: str) -> str:
        """The name of a collection as the database knows it."""
        return name + self._ending

    def __getitem__(self, name: str) -> Any:
        return self._database[self.named(name)]

    async def mark(self) -> None:
        """Count from here."""
        self._before = await self["activity"].estimated_document_count()

    async def visible(self, goal: int) -> int:
        """Events since the mark that are in the documents: each adds one to the activity, with all that it changes.

        The count of a collection may run ahead by what is being committed: milliseconds, in a race of seconds.
        """
        _ = goal
        return int(await self["activity"].estimated_document_count()) - self._before

    async def version(self, company_id: str) -> int:
        """The version of a company that readers see; 0 where there is none."""
        found = await self["companies"].find_one({"_id": company_id}, {"version": 1})
        return int(found["version"]) if found else 0

    async def of(self, company_ids: Iterable[str]) -> Seen:
        """These companies, as far as they are there."""
        found = self["companies"].find({"_id": {"$in": list(company_ids)}})
        return {one["_id"]: (one["version"], one["status"], one["name"]) async for one in found}

    async def totals(self) -> Totals:
        """Sums over all of it; companies that were put there in bulk count as one event, without activity.

        Not of one moment: what is committed between two of the sums is in the later one only.
        """
        versions = await self._sum("companies", "$version")
        counted = await self._sum("statistics", {"$sum": [f"$companies.{status}" for status in _STATUSES]})
        companies = await self["companies"].count_documents({})
        events = await self["activity"].count_documents({}) + self.stocked
        return Totals(events, versions, companies, await self["users"].count_documents({}), counted + self.stocked)

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def _sum(self, name: str, expression: Any) -> int:
        found = await self[name].aggregate([{"$group": {"_id": None, "sum": {"$sum": expression}}}])
        return sum([int(document["sum"]) async for document in found])


_STATUSES = ("registered", "active", "suspended", "closed")
