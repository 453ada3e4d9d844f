"""Large batches in two transactions at once: while the database works on one half, the service works on the other."""

import asyncio
import zlib
from collections.abc import Sequence

from read_service.projections.planning import Plan
from read_service.projections.reading import Work
from read_service.projections.settling import OK, Settling

# Fewer events are quicker in one: a transaction costs as much processor time as 40 events.
LARGE = 200


class Lanes:
    """Settles a batch in one transaction, or each company's share of a large one in one of several.

    Those never meet each other: all events of a company are in one share, and in the same one at every replica.
    """

    def __init__(self, lanes: Sequence[Settling], large: int = LARGE) -> None:
        self._lanes = lanes
        self._large = large

    async def is_well(self) -> str:
        """A health check: `ok`, or what keeps the database from taking events."""
        return next((lane.condition for lane in self._lanes if lane.condition != OK), OK)

    async def __call__(self, work: Sequence[Work], patient: frozenset[int], /) -> Plan:
        """What was committed in all of them."""
        if sum(one.count for one in work) < self._large:
            return await self._lanes[0](work, patient)
        shares = shares_of(work, len(self._lanes))
        async with asyncio.TaskGroup() as group:
            lanes = [group.create_task(lane(share, patient)) for lane, share in zip(self._lanes, shares, strict=True)]
        made = Plan()
        for lane in lanes:
            made.held += lane.result().held
            made.store += lane.result().store
            made.unfinished += lane.result().unfinished
        return made


def shares_of(work: Sequence[Work], count: int) -> list[list[Work]]:
    """As many lists as asked for, each with a share of every work in its place; a company is whole in one of them."""
    shares = [[Work(size=one.size) for one in work] for _ in range(count)]
    for place, one in enumerate(work):
        for change in one.changes:
            shares[_lane_of(change.subject, count)][place].changes.append(change)
        for company_id in one.drain:
            share = shares[_lane_of(company_id, count)]
            share[place] = Work(changes=share[place].changes, drain=[*share[place].drain, company_id], size=one.size)
        shares[0][place].outcomes.extend(one.outcomes)
        shares[0][place].parked.extend(one.parked)
    return shares


def _lane_of(company_id: str, count: int) -> int:
    # The same lane at every replica: Python's own hash is another one in each process, and every lane would meet all
    # lanes of the others.
    return zlib.crc32(company_id.encode()) % count
