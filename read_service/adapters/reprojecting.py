"""Putting a company's documents in place of those that are there, in one transaction."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from read_service.adapters import writing
from read_service.adapters.collections import (
    ACTIVITY,
    AHEAD,
    COMPANIES,
    PARKED,
    POSITIONS,
    STATISTICS,
    USERS,
    entries_of,
    name_of,
)
from read_service.adapters.mongo import Database, Document, Session, run, transaction
from read_service.adapters.parked import STATES
from read_service.adapters.transactions import SLOTS, position_of
from read_service.projections.planning import START, Plan, Position
from read_service.projections.ports import Conflicted
from read_service.projections.standing import NOTHING
from read_service.projections.statistics import moved
from read_service.verification.refolding import Refold

MOST_IN_A_COMMAND = 1_000
_TRIES = 200
_PAUSE = 0.02


class Behind(Exception):
    """The documents have gone further than the log was read."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the documents are at version {version}")
        self.version = version


async def replace_company(database: Database, generation: int, refold: Refold) -> None:
    """No reader sees the company half done, or its version fall. Raises Behind, RefusedData or StoreAway."""
    async with await database.client.start_session() as session:
        for remaining in reversed(range(_TRIES)):
            try:
                async with transaction(session):
                    await _Replacing(database, session, generation, refold).run()
            except Conflicted:
                if not remaining:
                    raise
                await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - no secret
            else:
                return


class _Replacing:
    def __init__(self, database: Database, session: Session, generation: int, refold: Refold) -> None:
        self._database = database
        self._session = session
        self._generation = generation
        self._refold = refold
        self._slot = random.randrange(SLOTS)  # noqa: S311 - no secret

    async def run(self) -> None:
        old = await self._held_position()
        if old.version > self._refold.version:
            raise Behind(old.version)
        await self._remove(old)
        company_id, position = self._refold.company_id, await self._position(old)
        # Of a company that the log does not know early events stay, in sight: the log may come back.
        if position.version or position.early:
            await self._write(Plan(self._refold.writes, {company_id: position}))
        await self._close_cases()
        await self._write(Plan(parked=self._refold.parked, passed={company_id: self._refold.version}))

    async def _held_position(self) -> Position:
        # Written at once: an engine that comes to this company in these moments runs again, and we do not.
        positions = self._collection(POSITIONS)
        touch: Document = {"$inc": {"touched": 1}}
        found = await positions.find_one_and_update(
            {"_id": self._refold.company_id}, touch, upsert=True, session=self._session
        )
        return START if found is None else position_of(found)

    async def _remove(self, old: Position) -> None:
        company_id = self._refold.company_id
        held: dict[str, Document] = {
            COMPANIES: {"_id": company_id},
            USERS: {"company_id": company_id},
            ACTIVITY: entries_of(company_id),
        }
        if not self._refold.version:
            held[POSITIONS] = {"_id": company_id}  # the log does not know this company
        for name, where in held.items():
            await self._collection(name).delete_many(where, session=self._session)
        counts = {count.path: count.by for count in moved(old.standing, NOTHING)}
        if counts:
            slot = {"_id": self._slot}
            await self._collection(STATISTICS).update_one(slot, {"$inc": counts}, upsert=True, session=self._session)

    async def _position(self, old: Position) -> Position:
        company_id, version = self._refold.company_id, self._refold.version
        where = {"_id": {"$gt": writing.place(company_id, version), "$lt": writing.place(company_id, None)}}
        later = await self._collection(AHEAD).find_one(where, session=self._session)
        return self._refold.position._replace(early=later is not None, touched=old.touched + 1)

    async def _close_cases(self) -> None:
        company_id, skipped = self._refold.company_id, list(self._refold.position.skipped)
        cases, is_open = self._collection(PARKED), STATES["open"]
        readable = {"company_id": company_id, "version": {"$lte": self._refold.version, "$nin": skipped}, **is_open}
        closed = {"$set": {"state": "resent", "closed_at": datetime.now(UTC)}}
        await cases.update_many(readable, closed, session=self._session)
        again = {"company_id": company_id, "version": {"$in": skipped}, **is_open}
        await cases.update_many(again, {"$inc": {"tries": 1}}, session=self._session)

    async def _write(self, plan: Plan) -> None:
        for command in writing.commands(plan, self._generation, self._slot, wary=True):
            for part in _parts(command):
                await run(self._database, self._session, [part])

    def _collection(self, name: str) -> Any:
        return self._database[name_of(name, self._generation)]


def _parts(command: Document) -> Iterator[Document]:
    """The same command in several: each of them is a document, and has at most 16 MB."""
    (verb, name), (kind, operations) = command.items()
    for start in range(0, len(operations), MOST_IN_A_COMMAND):
        yield {verb: name, kind: operations[start : start + MOST_IN_A_COMMAND]}
