"""The documents of companies as they are at one moment, for comparing; and their statistics."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from read_service.adapters.collections import (
    ACTIVITY,
    COMPANIES,
    PARKED,
    POSITIONS,
    STATISTICS,
    USERS,
    name_of,
)
from read_service.adapters.mongo import Database, Document, Session, transaction
from read_service.projections.ports import Conflicted
from read_service.verification.comparing import Held

_TRIES = 100
_PAUSE = 0.05

Where = Mapping[str, Any]
"""A condition on a company's id."""

_COUNTED: list[Document] = [
    {"$match": {"status": {"$ne": None}}},
    {
        "$group": {
            "_id": "$status",
            "companies": {"$sum": 1},
            **{role: {"$sum": f"${role}"} for role in ("owner", "admin", "member")},
        }
    },
]


def named(company_ids: Iterable[str]) -> Where:
    """These companies."""
    return {"$in": list(company_ids)}


def between(after: str, up_to: str | None) -> Where:
    """The companies behind the first id, up to the second one."""
    return {"$gt": after} if up_to is None else {"$gt": after, "$lte": up_to}


class Checked:
    """The documents of a generation."""

    def __init__(self, database: Database, generation: int) -> None:
        self._database = database
        self._generation = generation

    async def held(self, where: Where) -> dict[str, Held]:
        """What is held of these companies, of all at one moment. Raises StoreAway."""
        found: defaultdict[str, Held] = defaultdict(Held)
        async with await self._database.client.start_session(snapshot=True) as session:
            async for one in self._find(POSITIONS, {"_id": where}, session):
                found[one["_id"]].position = one
            async for one in self._find(COMPANIES, {"_id": where}, session):
                found[one["_id"]].company = one
            async for one in self._find(USERS, {"company_id": where}, session):
                found[one["company_id"]].users[one["_id"]] = one
            async for one in self._find(ACTIVITY, _of_activity(where), session):
                found[one["_id"].partition("/")[0]].activity[one["_id"]] = one
        async for one in self._find(PARKED, {"company_id": where, "version": {"$ne": None}}, None):
            found[one["company_id"]].parked[one["version"]] = f"{one['kind']}, {one['state']}: {one['reason'][:200]}"
        return dict(found)

    async def statistics(self) -> tuple[dict[str, int], dict[str, int]]:
        """The counters as they are, and as the positions of all companies count: at one moment. Raises StoreAway."""
        async with await self._database.client.start_session(snapshot=True) as session:
            slots = [one async for one in self._find(STATISTICS, {}, session)]
            return _summed(slots), await self._counted(session)

    async def recount(self) -> None:
        """Make the counters anew from the positions, in one transaction. Raises Conflicted or StoreAway."""
        async with await self._database.client.start_session() as session:
            for remaining in reversed(range(_TRIES)):
                try:
                    async with transaction(session):
                        await self._replace_counters(session)
                except Conflicted:
                    if not remaining:
                        raise
                    await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - no secret
                else:
                    return

    async def _replace_counters(self, session: Session) -> None:
        # An engine that counts in one of these slots meanwhile runs again; one that makes a new slot counts there what
        # the positions of this moment do not have.
        slots = self._database[name_of(STATISTICS, self._generation)]
        there = [one["_id"] async for one in self._find(STATISTICS, {}, session)]
        await slots.delete_many({"_id": {"$in": there}}, session=session)
        if counts := await self._counted(session):
            await slots.update_one({"_id": 0}, {"$set": counts}, upsert=True, session=session)

    async def _counted(self, session: Session) -> dict[str, int]:
        positions = self._database[name_of(POSITIONS, self._generation)]
        counts: dict[str, int] = {}
        async for one in positions.aggregate(_COUNTED, session=session):
            counts[f"companies.{one['_id']}"] = one["companies"]
            counts |= {f"users.{one['_id']}.{role}": one[role] for role in ("owner", "admin", "member")}
        return {path: count for path, count in counts.items() if count}

    def _find(self, name: str, where: Where, session: Session | None) -> Any:
        return self._database[name_of(name, self._generation)].find(where, session=session)


def _of_activity(where: Where) -> Where:
    # By the key, which begins with the company's id and a slash; what follows a slash is "0".
    if "$in" in where:
        return {"_id": {"$in": [re.compile(f"^{re.escape(company_id)}/") for company_id in where["$in"]]}}
    return {"_id": {operator: f"{company_id}0" for operator, company_id in where.items()}}


def _summed(slots: Iterable[Document]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for slot in slots:
        for path, count in _paths({name: value for name, value in slot.items() if name != "_id"}):
            counts[path] = counts.get(path, 0) + count
    return {path: count for path, count in counts.items() if count}


def _paths(tree: Document, above: str = "") -> list[tuple[str, int]]:
    found = list[tuple[str, int]]()
    for name, value in tree.items():
        found += _paths(value, f"{above}{name}.") if isinstance(value, dict) else [(above + name, value)]
    return found
