"""Asking for what is missing, one look at a time: what strangers make up and what is away holds up nothing."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from contracts.making import new_id
from contracts.operations import HEADS_CHANGED, EventsMissing, EventsSent
from read_service import metrics
from read_service.adapters.claims import UNREPAIRABLE, MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.entrypoints.asking import NotAnswered
from read_service.entrypoints.repair import Repair
from read_service.verification.noticing import Gap, Wants
from tests.integration.read_repair.conftest import QUICK, World
from tests.integration.read_repair.told import telling
from tests.support.documents import positions
from tests.support.eventually import eventually
from tests.support.histories import Folded, histories

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

    def __init__(self, world: World, first_pause: float = 0.02, moment: float = 0.0) -> None:
        self.claims = MongoClaims(world.documents, 1, first_pause=first_pause)
        self.write_service = Answering()
        self.wants = Wants(0.0)
        self.drained: list[str] = []
        service: Any = self.write_service
        gaps = MongoGaps(world.documents, 1)
        drain = self.drained.extend
        self.is_busy = False
        self.repair = Repair(
            gaps, self.claims, service, drain, self.wants, generation=1, moment=moment, is_busy=lambda: self.is_busy
        )
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


async def test_a_token_that_was_made_up_does_not_hide_an_event_that_is_lost(world: World) -> None:
    repairing, company = Repairing(world), new_id()
    repairing.write_service.heads[company] = 5
    for _ in range(10):  # it would be 20 s, were the pauses doubled
        await repairing.asks(Gap(company, 5, LAST_VERSION, seen=False))
    (known,) = await repairing.claims.known()
    assert (known["tries"], known["up_to"]) == (0, 5)
    repairing.write_service.heads[company] = 6
    await repairing.asks(Gap(company, 5, 6, seen=False))
    (known,) = await repairing.claims.known()
    assert (known["tries"], known["up_to"], known["state"]) == (1, 6, "asked")


async def test_tokens_of_companies_that_nobody_knows_leave_nothing_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("read_service.adapters.claims._TIDY_AFTER", 0)
    repairing = Repairing(world)
    made_up = {new_id() for _ in range(20)}
    now = asyncio.get_running_loop().time()
    for company in made_up:
        repairing.wants.want(company, LAST_VERSION, now)
    await repairing.repair.look()
    assert repairing.write_service.asked == dict.fromkeys(made_up, 1)
    assert repairing.wants.lasting(now) == {}
    await repairing.claims.tidy()
    assert await repairing.claims.known() == []


async def test_a_company_that_has_early_events_counts_as_a_gap_once_it_stands_still(world: World) -> None:
    await world.documents["positions.g1"].insert_one({"_id": new_id(), "version": 3, "early": True})
    for moment, gaps in ((60.0, 0), (0.0, 1)):
        repairing = Repairing(world, moment=moment)
        for _ in range(2):
            await repairing.repair.look()
        assert metrics.REGISTRY.get_sample_value("registrar_read_gaps") == gaps


async def has_looked() -> None:
    """Wait until a look has found nothing, since the gauge was set to -1."""
    await eventually(lambda: metrics.REGISTRY.get_sample_value("registrar_read_gaps"), until=lambda gaps: gaps == 0)


async def test_early_events_that_another_replica_has_left_are_found_when_it_was_quiet_long_enough(world: World) -> None:
    metrics.GAPS.set(-1)
    async with world.replica(QUICK._replace(heads=3600.0)) as replica:
        await has_looked()
        await world.documents["positions.g1"].insert_one({"_id": new_id(), "version": 3, "early": True})
        assert replica.engine.stored == 0
        await eventually(lambda: metrics.REGISTRY.get_sample_value("registrar_read_gaps"), until=lambda gaps: gaps == 1)


async def test_an_event_that_was_stored_as_early_ends_the_quiet(world: World) -> None:
    log = histories(12, 1, 5)
    metrics.GAPS.set(-1)
    quiet = QUICK._replace(quiet=3600.0, heads=3600.0)
    async with telling(world.amqp_url, []) as told, world.replica(quiet):
        await has_looked()
        await eventually(lambda: told.asked[HEADS_CHANGED])  # a walk that finds nothing, and the only one
        told.log = log
        await world.publish([*log[:1], *log[2:]])
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)


async def test_requests_that_nobody_answers_are_no_tries(world: World) -> None:
    repairing, company = Repairing(world), new_id()
    gap = Gap(company, 3, 5)
    repairing.write_service.is_away = True
    for _ in range(10):
        await repairing.asks(gap)
    repairing.write_service.is_away, repairing.write_service.heads[company] = False, 9
    await repairing.asks(gap)
    (known,) = await repairing.claims.known()
    assert (known["tries"], known["up_to"], known["state"]) == (1, 5, "asked")


async def test_what_cannot_be_repaired_stays_known_while_nobody_answers(world: World) -> None:
    repairing, company = Repairing(world), new_id()
    await repairing.asks(Gap(company, 3, 5))
    repairing.write_service.is_away = True
    await repairing.asks(Gap(company, 3, 5))
    (known,) = await repairing.claims.known()
    assert (known["up_to"], known["state"]) == (5, UNREPAIRABLE)


async def test_under_a_backlog_what_is_on_its_way_is_not_asked_for(world: World) -> None:
    repairing, company = Repairing(world, moment=0.05), new_id()
    repairing.write_service.heads[company] = 5
    early = {"_id": company, "version": 2, "status": "active", "owner": 0, "admin": 0, "member": 0, "touched": 3}
    await repairing.positions.insert_one({**early, "early": True})
    await world.documents["ahead.g1"].insert_one({"_id": {"company": company, "version": 5}, "body": b"{}"})
    repairing.is_busy = True
    await repairing.repair.look()

    async def looked() -> float:
        await repairing.repair.look()
        return asyncio.get_running_loop().time()

    began = await looked()
    await eventually(looked, until=lambda now: now - began > 0.2)  # four moments, and not ten
    assert repairing.write_service.asked[company] == 0
    repairing.is_busy = False
    await repairing.repair.look()
    assert repairing.write_service.asked[company] == 1
