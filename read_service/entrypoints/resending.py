"""Parked cases back into the documents, or out of custody, one at a time."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from contracts.operations import REPLAY_TYPE
from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from contracts.reading import BATCH
from contracts.topology import live_events
from read_service.adapters.mongo import Database, Document
from read_service.adapters.parked import Filter, MongoParked
from read_service.entrypoints.dead_letters import DEAD_LETTER
from read_service.entrypoints.log import EventLog
from read_service.entrypoints.reprojecting import NotReprojected, reproject
from read_service.projections.ports import Conflicted, RefusedData
from read_service.projections.reading import MESSAGE
from read_service.verification.refolding import BrokenLog

OF_THE_COMPANY = (NotReprojected, BrokenLog, RefusedData, Conflicted)  # failures that say nothing about other ones


class Dealt(NamedTuple):
    """A case, and why it is left open with what a person can do; None where it is closed."""

    case_id: str
    left: str | None = None


class Resending:
    """What has a version is made anew from the log, with its company; the rest goes through the live queue again."""

    def __init__(self, cases: MongoParked, database: Database, log: EventLog, publisher: ConfirmedPublisher) -> None:
        self._cases = cases
        self._database = database
        self._log = log
        self._publisher = publisher

    async def resend(self, wanted: Filter, limit: int) -> AsyncIterator[Dealt]:
        """Deals with the cases one by one; those that fail for themselves, or cannot be read still, are left open.

        Raises NotAnswered, Returned, Unconfirmed or StoreAway, which are the same for all of them.
        """
        made: dict[str, tuple[int, ...] | str] = {}
        for case in await self._cases.listed(wanted, limit):
            company_id = case["company_id"]
            if company_id is None or case["version"] is None:
                async for whole in self._cases.each(Filter(ids=[case["_id"]]), 1):
                    yield Dealt(case["_id"], await self._publish(whole))
                continue
            if company_id not in made:
                made[company_id] = await self._make_anew(company_id)
            yield Dealt(case["_id"], _left(made[company_id], case["version"]))

    async def _make_anew(self, company_id: str) -> tuple[int, ...] | str:
        """The versions that cannot be read still, or why the company's documents are as they were."""
        try:
            return (await reproject(self._log, self._database, self._cases.generation, company_id)).skipped
        except OF_THE_COMPANY as failure:
            return f"its company is as it was: {type(failure).__name__}: {failure}"

    async def _publish(self, case: Document) -> str | None:
        await self._cases.begin_sending(case["_id"])
        queue = live_events(self._cases.generation).name
        try:
            await self._publisher.publish("", queue, _body(case), **_properties(case))
        except (Returned, Unconfirmed):
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, it is this case's alone: the others are sent
            return f"it makes no message ({type(failure).__name__}: {failure}): show it, then drop it"
        await self._cases.sent(case["_id"])
        return None


async def drop(cases: MongoParked, wanted: Filter, limit: int) -> AsyncIterator[Dealt]:
    """Close the cases; they stay readable until they are forgotten with old outcomes."""
    async for case in cases.each(wanted, limit):
        await cases.drop(case["_id"])
        yield Dealt(case["_id"])


def _left(made: tuple[int, ...] | str, version: int) -> str | None:
    if isinstance(made, str):
        return made
    return "this version of the service cannot read it: resend it after an upgrade" if version in made else None


def _body(case: Document) -> bytes:
    body = bytes(case["body"])
    # An event that was parked alone, out of its message, goes in a message of its own.
    return body if case["kind"] in (MESSAGE, DEAD_LETTER) else b"[" + body + b"]"


def _properties(case: Document) -> dict[str, Any]:
    history = f"{case['parked_at'].isoformat()} {case['kind']}: {case['reason'][:200]}"
    headers = {"x-parked-id": case["_id"], "x-parked-tries": case["tries"], "x-parked-history": [history]}
    kind = case["type"] if case["kind"] == DEAD_LETTER and case["type"] else REPLAY_TYPE
    return {"content_type": BATCH, "message_id": case["_id"], "type": kind, "headers": headers}
