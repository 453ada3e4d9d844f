"""Asking for what is missing, one look at a time: what strangers make up and what is away holds up nothing."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contracts.making import new_id
from contracts.operations import EventsMissing, EventsSent
from read_service.adapters.claims import MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.entrypoints.asking import NotAnswered
from read_service.entrypoints.repair import Repair
from read_service.verification.noticing import Gap, Wants
from tests.integration.read_repair.conftest import World
from tests.support.eventually import eventually

LAST_VERSION = 2**31 - 1


@dataclass
class Answering:
    """A write service that knows these heads, and has every event up to them."""

    heads: dict[str, int] = field(default_factory=dict)
    is_away: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    async def missing(self, request: EventsMissing) -> EventsSent:
        self.asked[request.company_id] += 1
        if self.is_away:
            raise NotAnswered("the broker is away")
        head = self.heads.get(request.company_id, 0)
        return EventsSent(sent=max(0, min(head, request.up_to_version or head) - request.after_version), head=head)


class Repairing:
    """A repair, with what it works on within reach."""

    def __init__(self, world: World, first_pause: float = 0.02) -> None:
        self.claims = MongoClaims(world.documents, 1, first_pause=first_pause)
        self.write_service = Answering()
        self.wants = Wants(0.0)
        self.drained: list[str] = []
        service: Any = self.write_service
        gaps = MongoGaps(world.documents, 1)
        drain = self.drained.extend
        self.repair = Repair(gaps, self.claims, service, drain, self.wants, generation=1, moment=0.0)
        self.positions, self.claimed = world.documents["positions.g1"], world.documents["repairs.g1"]

    async def asks(self, gap: Gap) -> int:
        """Mend until the gap is asked for once more; how often it was asked for."""
        before = self.write_service.asked[gap.company_id]

        async def asked() -> int:
            await self.repair.mend([gap])
            return self.write_service.asked[gap.company_id]

        return await eventually(asked, until=lambda count: count > before)


async def test_what_is_wrong_with_one_request_holds_up_no_other(world: World) -> None:
    repairing, company = Repairing(world), new_id()
    await repairing.repair.mend([Gap("no id", 0, 1), Gap(new_id(), 0, LAST_VERSION + 1), Gap(company, 0, 1)])
    assert repairing.write_service.asked == {company: 1}
    assert [one["_id"] for one in await repairing.claims.known()] == [company]
