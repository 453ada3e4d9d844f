"""Who asks for what is missing: one replica for all, by claims in the database and by the database's own clock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from read_service.adapters.collections import POSITIONS, REPAIRS, name_of
from read_service.adapters.mongo import Database, Document, insert_unless_there

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0  # seconds between two requests for the same versions of a company
UNREPAIRABLE, ASKED = "unrepairable", "asked"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TIDY_AFTER = 10_000  # ms; a replica may still act on what it saw some seconds ago
_MOST = 10_000
_MOST_TIDIED = 2_000  # looked at in one go


class Claim(NamedTuple):
    """This replica's right to ask for a company's versions, for the so many-th time without success."""

    company_id: str
    after: int
    tries: int


class MongoClaims:
    """Claims and turns in the collection `repairs` of a generation."""

    def __init__(self, database: Database, generation: int, *, first_pause: float = FIRST_PAUSE) -> None:
        self._database = database
        self._repairs = database[name_of(REPAIRS, generation)]
        self._positions = database[name_of(POSITIONS, generation)]
        self._first_pause = first_pause * 1000
        self._turns: set[str] = set()  # that are there: not to be made each time
        self._tidied = ""  # the company that was looked at last

    async def resting(self, company_ids: Iterable[str]) -> dict[str, int]:
        """By company, after which version events were asked for, where it is too early to ask for them again."""
        wanted = list(company_ids)
        if not wanted:
            return {}
        where = {"_id": {"$in": wanted}, "$expr": {"$gt": ["$due_at", "$$NOW"]}}
        return {found["_id"]: found["after"] async for found in self._repairs.find(where, {"after": 1})}

    async def take(self, company_id: str, after: int, up_to: int) -> Claim | None:
        """The claim to ask for what comes after this version, unless somebody has asked a short while ago."""
        has_moved = {"$gt": [after, "$after"]}  # other versions are missing than those that were asked for
        free_at = {"$ifNull": [{"$cond": [has_moved, "$soon_at", "$due_at"]}, _LONG_AGO]}
        tries = {"$cond": [has_moved, 1, {"$add": ["$tries", 1]}]}
        pause = {"$multiply": [self._first_pause, {"$pow": [2, {"$min": ["$tries", 20]}]}]}
        found = await self._claim(
            company_id,
            free_at,
            {"tries": tries},
            {
                "after": after,
                "up_to": up_to,
                "asked_at": "$$NOW",
                "soon_at": {"$add": ["$$NOW", self._first_pause]},
                "due_at": {"$add": ["$$NOW", {"$min": [LONGEST_PAUSE * 1000, pause]}]},
            },
        )
        return None if found is None else Claim(company_id, after, found["tries"])

    async def mark(self, claim: Claim, up_to: int, state: str, reason: str) -> None:
        """Write down what came of it, and up to which version there is something to wait for."""
        mine = {"_id": claim.company_id, "after": claim.after}
        await self._repairs.update_one(mine, {"$set": {"up_to": up_to, "state": state, "reason": reason}})

    async def give_back(self, claim: Claim) -> None:
        """As if it had not been asked for: it was no try, and soon it may be asked for."""
        mine = {"_id": claim.company_id, "after": claim.after, "tries": claim.tries}
        soon = {"$add": ["$$NOW", self._first_pause]}
        await self._repairs.update_one(mine, [{"$set": {"tries": {"$subtract": ["$tries", 1]}, "due_at": soon}}])

    async def turn(self, name: str, every: float) -> Document | None:
        """What the last turn left, where none was taken for so many seconds; None: it is not our turn."""
        free_at = {"$ifNull": ["$due_at", _LONG_AGO]}
        found = await self._claim(name, free_at, {"due_at": {"$add": ["$$NOW", every * 1000]}})
        self._turns.add(name)
        return found

    async def leave(self, name: str, fields: Mapping[str, Any], *, rest: float | None = None) -> None:
        """Leave this to the next turn, which is not before so many seconds have passed."""
        left: Document = {key: {"$literal": value} for key, value in fields.items()}
        if rest is not None:
            left["due_at"] = {"$add": ["$$NOW", rest * 1000]}
        await self._repairs.update_one({"_id": name}, [{"$set": left}])

    async def begin(self, name: str, field: str, value: Any) -> None:
        """Leave this to the next turn unless something of that name was left before."""
        await insert_unless_there(self._database, self._repairs.name, {"_id": name})
        await self._repairs.update_one({"_id": name, field: {"$exists": False}}, {"$set": {field: value}})

    async def tidy(self) -> int:
        """Forget companies that have what was asked for; how many are known that cannot be repaired.

        Each time it looks at some of them, those behind the last ones.
        """
        old = {"$expr": {"$lt": ["$asked_at", {"$subtract": ["$$NOW", _TIDY_AFTER]}]}}
        where = {"_id": {"$gt": self._tidied}, "up_to": {"$exists": True}, **old}
        some = await self._repairs.find(where, {"up_to": 1}).sort("_id", 1).limit(_MOST_TIDIED).to_list(None)
        self._tidied = some[-1]["_id"] if len(some) == _MOST_TIDIED else ""
        if some and (done := await self._done(some)):
            await self._repairs.delete_many({"_id": {"$in": done}, **old})
        return int(await self._repairs.count_documents({"state": UNREPAIRABLE}))

    async def _done(self, some: Sequence[Document]) -> list[str]:
        there = self._positions.find({"_id": {"$in": [one["_id"] for one in some]}}, {"version": 1})
        versions = {found["_id"]: found["version"] async for found in there}
        return [one["_id"] for one in some if versions.get(one["_id"], 0) >= one["up_to"]]

    async def known(self) -> list[Document]:
        """The companies for which events were asked, those that cannot be repaired first."""
        found = self._repairs.find({"up_to": {"$exists": True}}).sort([("state", -1), ("_id", 1)])
        return list(await found.to_list(_MOST))

    async def _claim(self, key: str, free_at: Document, *stages: Document) -> Document | None:
        if key not in self._turns:
            await insert_unless_there(self._database, self._repairs.name, {"_id": key, "tries": 0})
        # One statement on the server: of many replicas that come at once, one finds it free.
        found: Document | None = await self._repairs.find_one_and_update(
            {"_id": key, "$expr": {"$lte": [free_at, "$$NOW"]}},
            [{"$set": stage} for stage in stages],
            return_document=True,
        )
        return found
