"""Events that were lost on the way are noticed, asked for once, and applied; what cannot be had is reported."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from contracts.operations import HEADS_CHANGED
from contracts.topology import WRITE_OPERATIONS, live_events
from read_service import metrics
from read_service.adapters.claims import MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.entrypoints import heads
from read_service.entrypoints.asking import WriteService
from read_service.entrypoints.repair import Repair
from read_service.verification.noticing import Wants
from tests.integration.read_repair.conftest import QUICK, World
from tests.integration.read_repair.told import AS_OF, telling
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.histories import Event, Folded, histories
from tests.support.proxy import Proxy, proxy_to


class Failing(MongoClaims):
    """Claims in a store that goes away before the walk is left to the next turn."""

    async def leave(self, name: str, fields: Mapping[str, Any], *, rest: float | None = None) -> None:
        if name == heads.WALK:
            raise OSError("the store is away")
        await super().leave(name, fields, rest=rest)


async def no_messages() -> int:
    return 0


def of(log: list[Event], company_id: str) -> list[Event]:
    return [event for event in log if event["subject"] == company_id]


def without(log: list[Event], *lost: Event) -> list[Event]:
    return [event for event in log if event not in lost]


@pytest.mark.parametrize("replicas", [1, 3])
async def test_events_lost_in_the_middle_at_the_start_and_at_the_end_are_asked_for_once_each(
    world: World, replicas: int
) -> None:
    log = histories(1, 12, 200)
    names = sorted({event["subject"] for event in log})
    histories_of = [of(log, name) for name in names[:4]]
    middle, first, last, whole = histories_of
    lost = [middle[4], middle[7], first[0], last[-1], *whole]
    await world.publish(without(log, *lost))
    async with telling(world.amqp_url, log) as told, AsyncExitStack() as stack:
        for _ in range(replicas):
            await stack.enter_async_context(world.replica())
        expected = Folded.of(log)
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == expected.positions)
        await assert_exact(world.documents, expected)
        assert told.requests == dict.fromkeys(names[:4], 1)


async def test_companies_without_a_gap_do_not_wait_for_one_that_has(world: World) -> None:
    log = histories(2, 5, 60)
    broken = log[0]["subject"]
    lost = of(log, broken)[2]
    others = {name: version for name, version in Folded.of(log).positions.items() if name != broken}
    async with world.replica():  # and nobody who answers
        await world.publish(without(log, lost))
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {**others, broken: 2})
        async with telling(world.amqp_url, log):
            await eventually(lambda: positions(world.documents), until=lambda seen: seen[broken] > 2)
        await assert_exact(world.documents, Folded.of(log))


async def test_what_the_log_does_not_have_is_reported_and_not_asked_for_again_and_again(world: World) -> None:
    log = histories(3, 2, 40)
    broken = log[0]["subject"]
    history = of(log, broken)
    async with telling(world.amqp_url, without(log, *history[5:])) as told, world.replica() as replica:
        await world.publish(without(log, history[5]))
        claims = MongoClaims(world.documents, 1)
        (known,) = await eventually(claims.known)
        await eventually(metrics.UNREPAIRABLE._value.get)
        (known,) = await claims.known()
        assert (known["_id"], known["after"], known["state"]) == (broken, 5, "unrepairable")
        assert "the log ends at version 5" in known["reason"]
        assert metrics.GAPS._value.get() == 1
        await eventually(metrics.AHEAD._value.get, until=lambda early: early == len(history) - 6)
        assert told.requests == {broken: 1}
        told.log = log  # the log is whole again
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        await assert_exact(world.documents, Folded.of(log))
        assert sum(len(plan.applied) for plan in replica.plans) == len(log)


async def test_a_query_that_waits_for_a_lost_event_has_it_sent_again(world: World) -> None:
    log = histories(4, 1, 10)
    company, last = log[0]["subject"], log[-1]
    await world.publish(log[:-1])
    async with telling(world.amqp_url, log) as told, world.replica(QUICK._replace(quiet=3600.0, heads=3600)) as replica:
        await eventually(lambda: positions(world.documents), until=lambda seen: seen)
        now = asyncio.get_running_loop().time
        replica.wants.want(company, last["version"], now())
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {company: last["version"]})
        replica.wants.want(company, last["version"] + 5, now())
        await eventually(lambda: told.requests[company], until=lambda requests: requests >= 2)
        assert [one["after_version"] for one in told.missing][:2] == [last["version"] - 1, last["version"]]
        claims = world.documents["repairs.g1"]
        await eventually(lambda: claims.find_one({"_id": company, "up_to": last["version"], "state": "asked"}))


async def test_an_event_lost_while_nobody_ran_is_found_by_the_changes_since_the_last_look(world: World) -> None:
    log = histories(5, 3, 30)
    company = log[0]["subject"]
    last = of(log, company)[-1]
    await world.publish(without(log, last))
    async with telling(world.amqp_url, without(log, last)) as told:
        async with world.replica():
            await eventually(lambda: positions(world.documents), until=lambda seen: len(seen) == 3)
            state = world.documents["repairs.g1"]
            looked = datetime.fromisoformat(AS_OF) - timedelta(seconds=3)  # all was there, as far as clocks can tell
            await eventually(lambda: state.find_one({"_id": heads.CHANGED, "as_of": looked.isoformat()}))
        told.log, told.changed = log, {company}
        async with world.replica():
            await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        assert told.requests == {company: 1}


async def test_a_replica_that_dies_after_it_has_asked_leaves_nothing_undone(world: World) -> None:
    log = histories(6, 2, 30)
    company = log[0]["subject"]
    claims = MongoClaims(world.documents, 1)
    await world.publish(without(log, of(log, company)[3]))
    async with world.replica():
        await eventually(claims.known)  # it has asked, and nobody answered
    operations = await world.channel.get_queue(WRITE_OPERATIONS.name)
    await operations.purge()  # and what it asked for is lost
    async with telling(world.amqp_url, log) as told, world.replica():
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        assert told.requests == {company: 1}
    await assert_exact(world.documents, Folded.of(log))


async def test_all_companies_are_walked_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_PAGE", 3)
    monkeypatch.setattr(heads, "_PAGE_PAUSE", 0.05)
    log = histories(7, 10, 60)
    async with telling(world.amqp_url, log) as told, world.replica():
        told.changed = set()
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        walk = world.documents["repairs.g1"]
        await eventually(lambda: walk.find_one({"_id": heads.WALK, "after": None}))
    assert told.requests == dict.fromkeys(Folded.of(log).positions, 1)


async def test_a_walk_that_breaks_off_after_its_first_page_does_not_end_the_look_at_changes(world: World) -> None:
    log = histories(11, 1, 3)
    database = world.documents
    async with telling(world.amqp_url, log) as told, WriteService(world.amqp_url, name="test") as write_service:
        gaps, claims = MongoGaps(database, 1), Failing(database, 1)
        repair = Repair(gaps, claims, write_service, list[str]().extend, Wants(0), generation=1)
        pace = {"every": 0.0, "overlap": 30.0, "walk_every": 3600.0, "moment": 0.0}
        look = heads.HeadsLook(gaps, claims, write_service, repair, no_messages, **pace)
        with pytest.raises(OSError, match="the store is away"):
            await look.look()
        await look.look()  # the walk is another's, for half a minute
        assert told.asked[HEADS_CHANGED] == 2


async def test_documents_that_are_behind_because_there_is_much_to_do_are_not_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "MOST_UNDER_WAY", 10)
    log = histories(8, 3, 30)
    async with telling(world.amqp_url, log) as told:
        await world.publish(log)
        async with world.replica(consumes=False):
            await eventually(lambda: metrics.QUEUE_DEPTH.labels(live_events(1).name)._value.get() == len(log))
            assert told.asked == {}
        async with world.replica():
            await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
            await eventually(lambda: told.asked[HEADS_CHANGED])
    assert told.missing == []


def accepted_after(proxy: Proxy, before: int) -> bool:
    return proxy.accepted > before


async def test_lost_events_come_back_through_a_bus_that_breaks_again_and_again(world: World) -> None:
    log = histories(9, 8, 160)
    expected = Folded.of(log)
    expected = Folded.of(log)
    lost = log[20::9]
    arriving = without(log, *lost)
    port = int(world.amqp_url.rpartition(":")[2].partition("/")[0])
    async with proxy_to(port) as proxy, telling(world.amqp_url, log):
        shaky = replace(world, amqp_url=world.amqp_url.replace(f":{port}/", f":{proxy.port}/"))
        async with shaky.replica(), shaky.replica():
            for start in range(0, len(arriving), 50):
                await world.publish(arriving[start : start + 50])
                before = proxy.accepted
                proxy.cut()
                await eventually(partial(accepted_after, proxy, before))
            await eventually(
                lambda: positions(world.documents), until=lambda seen: seen == expected.positions, within=30
            )
    await assert_exact(world.documents, expected)


async def test_early_events_that_are_next_and_that_nobody_took_out_are_taken_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "MOST_UNDER_WAY", -1)  # heads are not looked at
    log = histories(10, 1, 8)
    company, expected = log[0]["subject"], Folded.of(log)
    ahead, all_positions = world.documents["ahead.g1"], world.documents["positions.g1"]
    async with world.replica():
        await world.publish(log[:3])
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {company: 3})
    for event in log[3:]:  # a replica that stored these, and died before it went on
        place = {"company": company, "version": event["version"]}
        await ahead.insert_one({"_id": place, "body": json.dumps(event).encode()})
    await all_positions.update_one({"_id": company}, {"$set": {"early": True}})
    async with telling(world.amqp_url, log) as told, world.replica():
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == expected.positions)
    assert told.missing == []
    await assert_exact(world.documents, expected)
