"""What a person does with parked messages: find, look at, take out one by one to resend or drop."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

STATES = {
    "open": "resent_at IS NULL AND dropped_at IS NULL",
    "resent": "resent_at IS NOT NULL",
    "dropped": "dropped_at IS NOT NULL",
    "all": "true",
}
_SUMMARY = """id, kind, reason, exchange, routing_key, content_type, message_id, command_id, command_type, company_id,
              parked_at, tries, resent_at, dropped_at, length(body) AS bytes"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which parked messages are meant; what is None does not narrow."""

    ids: Sequence[uuid.UUID] | None = None
    kind: str | None = None
    type: str | None = None
    company: str | None = None
    command: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: str = "open"

    def where(self) -> tuple[str, dict[str, Any]]:
        """The condition in SQL, and its parameters."""
        given = {
            "id = ANY(:ids)": ("ids", None if self.ids is None else list(self.ids)),
            "kind = :kind": ("kind", self.kind),
            "command_type = :type": ("type", self.type),
            "company_id = :company": ("company", self.company),
            "command_id = :command": ("command", self.command),
            "parked_at >= :since": ("since", self.since),
            "parked_at < :until": ("until", self.until),
        }
        used = {condition: pair for condition, pair in given.items() if pair[1] is not None}
        return " AND ".join([STATES[self.state], *used]), dict(used.values())


Row = dict[str, Any]


class ParkedRows:
    """The rows of the table `parked`, oldest first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def count(self, wanted: Filter) -> int:
        """How many there are."""
        where, values = wanted.where()
        async with self._engine.connect() as connection:
            found = await connection.execute(text(f"SELECT count(*) FROM parked WHERE {where}"), values)  # noqa: S608
            return int(found.scalar_one())

    async def listed(self, wanted: Filter, limit: int) -> list[Row]:
        """The first of them, without body, properties and history."""
        where, values = wanted.where()
        query = f"SELECT {_SUMMARY} FROM parked WHERE {where} ORDER BY parked_at, id LIMIT :limit"  # noqa: S608
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(text(query), {**values, "limit": limit})).mappings()]

    async def shown(self, wanted: Filter, limit: int) -> list[Row]:
        """All there is to know about the first of them."""
        where, values = wanted.where()
        query = f"SELECT * FROM parked WHERE {where} ORDER BY parked_at, id LIMIT :limit"  # noqa: S608 - our own words
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(text(query), {**values, "limit": limit})).mappings()]

    @asynccontextmanager
    async def taken(self, row_id: uuid.UUID) -> AsyncIterator["Taken | None"]:
        """The row, locked while the block runs, which ends in a commit; None when it is not open any more."""
        query = text(f"SELECT * FROM parked WHERE id = :id AND {STATES['open']} FOR UPDATE SKIP LOCKED")  # noqa: S608
        async with self._engine.begin() as connection:
            row = (await connection.execute(query, {"id": row_id})).mappings().one_or_none()
            yield None if row is None else Taken(connection, dict(row))


class Taken:
    """One open row that nobody else can resend, drop or open again at this moment."""

    def __init__(self, connection: AsyncConnection, row: Row) -> None:
        self._connection = connection
        self.row = row

    async def mark(self, column: str) -> None:
        """Write down that it was resent (`resent_at`) or dropped (`dropped_at`)."""
        assert column in ("resent_at", "dropped_at")
        update = text(f"UPDATE parked SET {column} = clock_timestamp() WHERE id = :id")  # noqa: S608 - of our own two
        await self._connection.execute(update, {"id": self.row["id"]})
