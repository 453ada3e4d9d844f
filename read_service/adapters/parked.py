"""The collection `parked`: what a person sees of it and does with it, and the broker's dead letters on their way in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from read_service.adapters.collections import PARKED, name_of
from read_service.adapters.mongo import Database, Document
from read_service.adapters.writing import parking
from read_service.projections.reading import Parked

# While a message is being sent its case is `sending`, so that parking it again meanwhile opens it and is not overseen.
STATES: dict[str, Document] = {
    "open": {"state": {"$in": ["open", "sending"]}},
    "resent": {"state": "resent"},
    "dropped": {"state": "dropped"},
    "all": {},
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases are meant; what is None does not narrow."""

    ids: Sequence[str] | None = None
    kind: str | None = None
    type: str | None = None
    company: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: str = "open"

    def where(self) -> Document:
        """The condition."""
        equal = {"kind": self.kind, "type": self.type, "company_id": self.company}
        where: Document = {name: {"$eq": value} for name, value in equal.items() if value is not None}
        if self.ids is not None:
            where["_id"] = {"$in": list(self.ids)}
        times = {"$gte": self.since, "$lt": self.until}
        if used := {operator: time for operator, time in times.items() if time is not None}:
            where["parked_at"] = used
        return {**where, **STATES[self.state]}


class MongoParked:
    """The cases of a generation, oldest first."""

    def __init__(self, database: Database, generation: int) -> None:
        self.generation = generation
        self._database = database
        self._cases = database[name_of(PARKED, generation)]

    async def keep(self, parked: Parked, about: Mapping[str, Any]) -> None:
        """Keep this durably, with what else is known about it. Raises StoreAway."""
        updates = list(parking(parked))
        updates[-1]["u"]["$setOnInsert"].update(about)
        for update in updates:
            await self._cases.update_one(update["q"], update["u"], upsert=update.get("upsert", False))

    async def count(self, wanted: Filter) -> int:
        """How many there are."""
        return int(await self._cases.count_documents(wanted.where()))

    async def listed(self, wanted: Filter, limit: int, *, whole: bool = False) -> list[Document]:
        """The first of them, with or without their bodies."""
        fields = None if whole else {"body": 0, "headers": 0}
        found = self._cases.find(wanted.where(), fields).sort([("parked_at", 1), ("_id", 1)])
        return list(await found.to_list(limit))

    async def each(self, wanted: Filter, limit: int) -> AsyncIterator[Document]:
        """The first of them one by one, whole, each as it is at that moment; those closed meanwhile are left out."""
        for one in await self.listed(wanted, limit):
            found = await self._cases.find_one({"_id": one["_id"], **STATES["open"]})
            if found is not None:
                yield found

    async def begin_sending(self, key: str) -> None:
        """From here on until `sent`, parking it again opens the case."""
        await self._cases.update_one({"_id": key}, {"$set": {"state": "sending"}})

    async def sent(self, key: str) -> None:
        """It is back on the bus: the case is closed, unless it was opened again already."""
        closed = {"state": "resent", "closed_at": datetime.now(UTC)}
        await self._cases.update_one({"_id": key, "state": "sending"}, {"$set": closed})

    async def drop(self, key: str) -> None:
        """Close the case; it stays readable for a while."""
        await self._cases.update_one({"_id": key}, {"$set": {"state": "dropped", "closed_at": datetime.now(UTC)}})
