"""Parked cases back into the documents, or out of custody, one at a time."""

from collections.abc import AsyncIterator
from typing import Any

from contracts.operations import REPLAY_TYPE
from contracts.publisher import ConfirmedPublisher
from contracts.reading import BATCH
from contracts.topology import live_events
from read_service.adapters.mongo import Database, Document
from read_service.adapters.parked import Filter, MongoParked
from read_service.entrypoints.dead_letters import DEAD_LETTER
from read_service.entrypoints.log import EventLog
from read_service.entrypoints.reprojecting import reproject
from read_service.projections.reading import MESSAGE


class Resending:
    """What has a version is made anew from the log, with its company; the rest goes through the live queue again."""

    def __init__(self, cases: MongoParked, database: Database, log: EventLog, publisher: ConfirmedPublisher) -> None:
        self._cases = cases
        self._database = database
        self._log = log
        self._publisher = publisher

    async def resend(self, wanted: Filter, limit: int) -> AsyncIterator[str]:
        """Yields the ids of the cases that are closed by it; those that cannot be read still stay open.

        Raises NotAnswered, NotReprojected, BrokenLog, RefusedData, Returned, Unconfirmed or StoreAway.
        """
        skipped: dict[str, tuple[int, ...]] = {}
        for case in await self._cases.listed(wanted, limit):
            company_id = case["company_id"]
            if company_id is None or case["version"] is None:
                async for whole in self._cases.each(Filter(ids=[case["_id"]]), 1):
                    await self._publish(whole)
                    yield case["_id"]
                continue
            if company_id not in skipped:
                made = await reproject(self._log, self._database, self._cases.generation, company_id)
                skipped[company_id] = made.skipped
            if case["version"] not in skipped[company_id]:
                yield case["_id"]

    async def _publish(self, case: Document) -> None:
        await self._cases.begin_sending(case["_id"])
        queue = live_events(self._cases.generation).name
        await self._publisher.publish("", queue, _body(case), **_properties(case))
        await self._cases.sent(case["_id"])


async def drop(cases: MongoParked, wanted: Filter, limit: int) -> AsyncIterator[str]:
    """Close the cases; they stay readable until they are forgotten with old outcomes."""
    async for case in cases.each(wanted, limit):
        await cases.drop(case["_id"])
        yield case["_id"]


def _body(case: Document) -> bytes:
    body = bytes(case["body"])
    # An event that was parked alone, out of its message, goes in a message of its own.
    return body if case["kind"] in (MESSAGE, DEAD_LETTER) else b"[" + body + b"]"


def _properties(case: Document) -> dict[str, Any]:
    history = f"{case['parked_at'].isoformat()} {case['kind']}: {case['reason'][:200]}"
    headers = {"x-parked-id": case["_id"], "x-parked-tries": case["tries"], "x-parked-history": [history]}
    kind = case["type"] if case["kind"] == DEAD_LETTER and case["type"] else REPLAY_TYPE
    return {"content_type": BATCH, "message_id": case["_id"], "type": kind, "headers": headers}
