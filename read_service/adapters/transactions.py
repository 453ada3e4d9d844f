"""The engine's transactions in MongoDB: a few commands each, whatever the number of events."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from read_service.adapters import writing
from read_service.adapters.collections import AHEAD, POSITIONS, name_of
from read_service.adapters.mongo import Calls, Database, Document, Session, in_transaction
from read_service.adapters.turns import Turns
from read_service.projections.planning import Plan, Position, Stored
from read_service.projections.ports import Clashed, Conflicted
from read_service.projections.reading import read_stored
from read_service.projections.standing import Standing

T = TypeVar("T")

SLOTS = 64  # of the statistics: replicas that each have one do not meet there
MOST_STORED = 500  # events of one company that are taken out of `ahead` at once
MOST_TOGETHER = 2_000  # events of all companies that are looked at with one query


class MongoTransactions:
    """Transactions of a lane on one generation of documents, one at a time."""

    def __init__(self, database: Database, generation: int, lane: int = 0) -> None:
        self._database = database
        self._generation = generation
        self._session: Session | None = None
        self._slot = random.randrange(SLOTS)  # noqa: S311 - no secret
        self._turns = Turns(database, generation, lane)
        # Whether something that was to be new was there, say a user who is added again, and whose removal was parked
        # unread. Until a transaction has passed, companies and users are written over what may be there.
        self._wary = False

    async def run(self, body: Callable[["MongoTransaction"], T]) -> T:
        """One transaction, majority and snapshot, from its beginning to its commit in one visit of a thread."""
        if self._session is None:
            self._session = await self._database.client.start_session()
        try:
            in_turn = await self._turns.come(self._session)

            def whole(calls: Calls) -> T:
                if in_turn:
                    calls.run([self._turns.take])
                return body(MongoTransaction(calls, self._generation, self._slot, wary=self._wary))

            made = await in_transaction(self._database, self._session, whole)
        except Conflicted as conflict:
            if isinstance(conflict, Clashed):  # with what was there, not with another replica
                self._wary = True
                raise
            self._turns.crowding.met()
            self._slot = random.randrange(SLOTS)  # noqa: S311 - perhaps another replica has the same
            raise
        except BaseException:
            # What the session knows may be wrong after a failover or a cancellation: another one knows nothing.
            session, self._session = self._session, None
            await asyncio.shield(session.end_session())
            raise
        self._turns.crowding.passed()
        self._wary = False
        return made

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.end_session()


class MongoTransaction:
    """A transaction that is open, in its thread."""

    def __init__(self, calls: Calls, generation: int, slot: int, *, wary: bool) -> None:
        self._calls = calls
        self._generation = generation
        self._slot = slot
        self._wary = wary
        self._ahead = name_of(AHEAD, generation)

    def positions(self, company_ids: Iterable[str]) -> Mapping[str, Position]:
        """The positions of those companies that have one."""
        where = {"_id": {"$in": list(company_ids)}}
        found = self._calls.find(name_of(POSITIONS, self._generation), where)
        return {document["_id"]: position_of(document) for document in found}

    def stored(self, after: Mapping[str, int]) -> Mapping[str, Stored]:
        """By company, the first events that `ahead` holds after a version."""
        # One query for all: one for each took 0.4 ms, and who closed the gaps of two hundred companies fell behind, so
        # that others stored more events early, and so on. Three replicas had half the rate of one.
        where = {"_id.company": {"$in": list(after)}}
        found: list[Document] = []
        if len(after) > 1:
            found = self._calls.find(self._ahead, where, MOST_TOGETHER)
        if len(after) == 1 or len(found) == MOST_TOGETHER:
            return {company_id: self._stored(company_id, version) for company_id, version in after.items()}
        by_company: dict[str, list[Document]] = {company_id: [] for company_id in after}
        for one in sorted(found, key=lambda one: one["_id"]["version"]):
            if one["_id"]["version"] > after[one["_id"]["company"]]:
                by_company[one["_id"]["company"]].append(one)
        return {company_id: _stored(of_company) for company_id, of_company in by_company.items()}

    def write(self, plan: Plan) -> None:
        """Write all of it; positions first, so that who meets another replica has not worked in vain."""
        commands = writing.commands(plan, self._generation, self._slot, wary=self._wary)
        self._calls.run(list(commands))

    def _stored(self, company_id: str, version: int) -> Stored:
        where = {"_id": {"$gt": writing.place(company_id, version), "$lt": writing.place(company_id, None)}}
        return _stored(self._calls.find(self._ahead, where, MOST_STORED, sort="_id"))


def _stored(found: Sequence[Document]) -> Stored:
    changes = [read_stored(bytes(one["body"])) for one in found[:MOST_STORED]]
    return Stored(changes, more=len(found) >= MOST_STORED)


def position_of(document: Document) -> Position:
    """A position as it is stored."""
    return Position(
        document["version"],
        Standing(document["status"], document["owner"], document["admin"], document["member"]),
        document.get("early", False),
        tuple(document.get("skipped", ())),
        document["touched"],
    )
