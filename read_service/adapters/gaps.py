"""What the documents lack, as far as they can tell by themselves."""

from collections.abc import Iterable
from typing import NamedTuple

from read_service.adapters import writing
from read_service.adapters.collections import AHEAD, PARKED, POSITIONS, name_of
from read_service.adapters.mongo import Database
from read_service.verification.noticing import last_hole

MOST_GAPS = 10_000  # looked at in one go
_MOST_STORED = 1_000  # early events of a company that are looked at for holes
OPEN = ("open", "sending")


class Waiting(NamedTuple):
    """How much waits in the collections."""

    early: int  # events stored because they came too early
    parked: int  # cases that wait for a person


class MongoGaps:
    """Reads positions and early events of a generation."""

    def __init__(self, database: Database, generation: int) -> None:
        self._positions = database[name_of(POSITIONS, generation)]
        self._ahead = database[name_of(AHEAD, generation)]
        self._parked = database[name_of(PARKED, generation)]

    async def early(self) -> dict[str, int]:
        """The versions of the companies that have early events stored."""
        found = self._positions.find({"early": True}, {"version": 1}, limit=MOST_GAPS)
        return {position["_id"]: position["version"] async for position in found}

    async def versions(self, company_ids: Iterable[str]) -> dict[str, int]:
        """The versions of these companies; 0 of one that is not known."""
        wanted = list(company_ids)
        if not wanted:
            return {}
        found = self._positions.find({"_id": {"$in": wanted}}, {"version": 1})
        return dict.fromkeys(wanted, 0) | {position["_id"]: position["version"] async for position in found}

    async def hole(self, company_id: str, version: int) -> int:
        """The last version that is missing between this one and the early events; this one when none is."""
        where = {"_id": {"$gt": writing.place(company_id, version), "$lt": writing.place(company_id, None)}}
        stored = await self._ahead.find(where, {"_id": 1}).sort("_id", 1).to_list(_MOST_STORED)
        return last_hole(version, [one["_id"]["version"] for one in stored])

    async def waiting(self) -> Waiting:
        """How much waits."""
        early = await self._ahead.estimated_document_count()
        return Waiting(early, await self._parked.count_documents({"state": {"$in": OPEN}}))
