"""What cannot be processed, and a database that is away: nothing is lost, and nobody is accused without a reason."""

import asyncio
import copy
from collections.abc import Sequence
from typing import Any

import pytest

from contracts import tokens
from read_service.adapters.mongo import Database, connected
from read_service.projections.engine import Engine
from read_service.projections.reading import MESSAGE, REFUSED, Work, read_event_message
from read_service.projections.settling import OK
from read_service.views.answers import Answers
from read_service.views.documents import Documents
from read_service.views.tokens import versions_of
from read_service.views.waiting import Waiting
from tests.contracts.samples import sample
from tests.integration.read_engine.conftest import replica, work
from tests.support.cutting import cutting_proxy
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.fresh import MongoDatabase
from tests.support.histories import Event, Folded, histories
from tests.support.proxy import proxy_to

LOG = histories(2, companies=3, events=60)
EXPECTED = Folded.of(LOG)


async def apply_all(engine: Engine, works: Sequence[Work]) -> None:
    async with asyncio.timeout(60):
        await asyncio.gather(*map(engine.apply, works))


def through(url: str, port: int) -> str:
    """The same address by way of a proxy; directly, or the replica set's answer would name the server's own."""
    there, _, rest = url.partition("@")
    return f"{there}@127.0.0.1:{port}/{rest.partition('/')[2]}&directConnection=true"


def port_of(url: str) -> int:
    return int(url.partition("@")[2].partition("/")[0].rpartition(":")[2])


async def test_what_comes_again_is_dropped(documents: Database, mongo_database: MongoDatabase) -> None:
    async with replica(mongo_database.url) as one:
        for _ in range(3):
            await apply_all(one.engine, [work([event]) for event in LOG])
        assert sum(plan.duplicates for plan in one.plans) == 2 * len(LOG)
    await assert_exact(documents, EXPECTED)


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_commit_whose_answer_is_lost_is_repeated(
    documents: Database, mongo_database: MongoDatabase, times: int
) -> None:
    async with (
        cutting_proxy(port_of(mongo_database.url)) as (cutting, port),
        replica(through(mongo_database.url, port)) as one,
    ):
        await apply_all(one.engine, [work(LOG[:10])])
        cutting.word, cutting.times = b"commitTransaction", times
        await apply_all(one.engine, [work([event]) for event in LOG[10:]])
        assert (cutting.times, one.settling.condition) == (0, OK)
    await assert_exact(documents, EXPECTED)


@pytest.mark.parametrize("word", [b"positions.g1", b"activity.g1", b"statistics.g1"])
async def test_a_connection_that_is_cut_within_a_transaction(
    documents: Database, mongo_database: MongoDatabase, word: bytes
) -> None:
    async with (
        cutting_proxy(port_of(mongo_database.url)) as (cutting, port),
        replica(through(mongo_database.url, port)) as one,
    ):
        cutting.word, cutting.times = word, 3
        await apply_all(one.engine, [work([event]) for event in LOG])
        assert (cutting.times, one.settling.condition) == (0, OK)
    await assert_exact(documents, EXPECTED)


async def test_a_database_that_is_away_is_waited_for(documents: Database, mongo_database: MongoDatabase) -> None:
    async with (
        proxy_to(port_of(mongo_database.url)) as proxy,
        replica(through(mongo_database.url, proxy.port), timeout=1) as one,
    ):
        await apply_all(one.engine, [work(LOG[:10])])
        proxy.refuse()
        proxy.cut()
        applying = asyncio.create_task(apply_all(one.engine, [work([event]) for event in LOG[10:]]))
        await eventually(one.settling.is_well, until=lambda said: said != OK)
        assert not applying.done()
        proxy.refuse(refusing=False)
        await applying
        assert await one.settling.is_well() == OK
    await assert_exact(documents, EXPECTED)


def nested(depth: int) -> dict[str, Any]:
    return {"deeper": nested(depth - 1)} if depth else {}


REFUSED_DETAILS: dict[str, dict[str, Any]] = {
    "a NUL in a key": {"na\0me": 1},
    "a number of more than 64 bits": {"number": 2**64},
    "deeper than the server stores": nested(190),
}


def rejected(details: dict[str, Any]) -> Event:
    (event,) = copy.deepcopy(sample("events", "command.rejected.v1"))
    event["data"]["details"] = details
    found: Event = event
    return found


@pytest.mark.parametrize("fault", REFUSED_DETAILS)
async def test_what_the_database_refuses_is_parked_alone_and_its_neighbours_apply(
    documents: Database, mongo_database: MongoDatabase, fault: str
) -> None:
    bad = rejected(REFUSED_DETAILS[fault])
    good = rejected({"name": "Acme"})
    good["data"]["command_id"] = good["id"]
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [*(work([event]) for event in LOG), work([bad, good])])
    await assert_exact(documents, EXPECTED)
    (case,) = await documents["parked.g1"].find({}).to_list(None)
    assert (case["_id"], case["kind"], case["state"], case["version"]) == (bad["id"], REFUSED, "open", None)
    assert case["reason"]
    assert [outcome["_id"] async for outcome in documents["outcomes.g1"].find({})] == [good["id"]]


async def test_an_event_that_cannot_be_read_is_parked_passed_and_remembered(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    log = histories(5, companies=2, events=30)
    company = log[0]["subject"]
    of_company = [event for event in log if event["subject"] == company]
    bad = next(event for event in of_company if event["version"] > 3 and event["type"] == "user.added.v1")
    painted = {**bad, "type": "user.painted.v1"}
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [work([painted if event is bad else event]) for event in log])
    assert await positions(documents) == Folded.of(log).positions
    found = await documents["positions.g1"].find_one({"_id": company})
    assert found is not None
    assert found["skipped"] == [bad["version"]]
    (case,) = await documents["parked.g1"].find({}).to_list(None)
    place = f"{company}/{bad['version']}"
    assert (case["_id"], case["type"], case["company_id"]) == (place, "user.painted.v1", company)
    assert await documents["activity.g1"].count_documents({"company_id": company}) == len(of_company) - 1

    async with connected(mongo_database.views_url, name="views") as views:
        shown = Documents(views, 1, 3_000)
        waiting = Waiting(lambda names: versions_of(shown, names), lambda _, __: None, limit=9, poll_seconds=1)
        answers = Answers(lambda: shown, waiting, read_seconds=5)
        for version, status in ((bad["version"] - 1, "ok"), (bad["version"], "stale"), (len(of_company), "stale")):
            asked = {"company_id": company, "after": tokens.encode(company, version)}
            assert (await answers.ask("company.get.v1", asked, "test")).status == status
        assert (await answers.ask("company.get.v1", {"company_id": company}, "test")).status == "ok"


def added_again(company: str) -> list[Event]:
    """Of a company that is registered: a user is added, removed by an event that cannot be read, and added again."""
    (added,) = sample("events", "user.added.v1")
    added = {**added, "subject": company, "version": 2}
    removed = {**added, "version": 3, "type": "user.painted.v1"}
    again = {**added, "version": 4, "data": {**added["data"], "full_name": "Ada King"}}
    return [added, removed, again]


@pytest.mark.parametrize("companies", [1, 3])
async def test_a_user_who_is_added_again_replaces_one_whose_removal_could_not_be_read(
    documents: Database, mongo_database: MongoDatabase, companies: int
) -> None:
    made = histories(6, companies=companies, events=companies)  # their registrations
    added, removed, again = zip(*(added_again(event["subject"]) for event in made), strict=True)
    async with replica(mongo_database.url) as one:
        for events in (made, added, removed, again):
            await apply_all(one.engine, [work(events)])
        assert one.settling.condition == OK
    assert {case["type"] async for case in documents["parked.g1"].find({})} == {"user.painted.v1"}
    users = await documents["users.g1"].find({}).to_list(None)
    assert [user["full_name"] for user in users] == ["Ada King"] * companies
    assert await positions(documents) == {event["subject"]: 4 for event in made}
    assert await documents["turns.g1"].count_documents({}) == 0  # there is nobody to take turns with


async def test_one_whose_entry_is_there_already_is_parked_and_not_the_user_who_is_added_again_beside_it(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    made = histories(6, companies=2, events=2)  # their registrations
    added, removed, again = added_again(made[0]["subject"])
    (other, *_) = added_again(made[1]["subject"])
    await documents["activity.g1"].insert_one({"_id": f"{made[1]['subject']}/{2:010}"})
    async with replica(mongo_database.url) as one:
        for events in (made, [added], [removed], [again, other]):
            await apply_all(one.engine, [work(events)])
    cases = await documents["parked.g1"].find({}).sort("version", 1).to_list(None)
    assert [(case["company_id"], case["version"]) for case in cases] == [
        (made[1]["subject"], 2),
        (made[0]["subject"], 3),
    ]
    (user,) = await documents["users.g1"].find({}).to_list(None)
    assert user["full_name"] == "Ada King"


async def test_events_whose_entries_are_there_already_are_parked_each_and_their_neighbours_apply(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    made = histories(6, companies=3, events=3)  # their registrations
    keys = [f"{event['subject']}/{1:010}" for event in made[1:]]
    await documents["activity.g1"].insert_many({"_id": key} for key in keys)
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [work([event]) for event in made])
        await apply_all(one.engine, [work([event]) for event in LOG])
        assert one.settling.condition == OK
    assert await documents["activity.g1"].count_documents({}) == len(LOG) + 1 + len(keys)
    assert await positions(documents) == EXPECTED.positions | {event["subject"]: 1 for event in made}
    cases = await documents["parked.g1"].find({}, {"kind": 1, "reason": 1}).sort("_id", 1).to_list(None)
    assert [case["_id"] for case in cases] == sorted(f"{event['subject']}/1" for event in made[1:])
    assert {case["kind"] for case in cases} == {REFUSED}
    assert keys[0] in "".join(case["reason"] for case in cases)


async def test_events_with_the_id_of_another_one_are_applied_by_their_place(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    made = histories(6, companies=3, events=3)  # their registrations
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [work([{**event, "id": made[0]["id"]}]) for event in made])
    assert await positions(documents) == {event["subject"]: 1 for event in made}
    assert await documents["parked.g1"].count_documents({}) == 0


@pytest.mark.parametrize("good_first", [True, False])
async def test_an_early_event_that_can_be_read_outlives_a_copy_that_cannot(
    documents: Database, mongo_database: MongoDatabase, *, good_first: bool
) -> None:
    early = next(event for event in LOG if event["version"] == 2)
    copies = [early, {**early, "type": "user.painted.v1"}]
    async with replica(mongo_database.url, hold=0) as one:
        for event in copies if good_first else reversed(copies):
            await apply_all(one.engine, [work([event])])
        await apply_all(one.engine, [work([event]) for event in LOG if event is not early])
        await eventually(lambda: positions(documents), until=lambda seen: seen == EXPECTED.positions)
    await assert_exact(documents, EXPECTED)
    assert await documents["parked.g1"].count_documents({}) == 0


async def test_a_message_that_cannot_be_read_is_parked_whole_and_once(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    broken = read_event_message(b'[{"type": ', "company.renamed.v1")
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [work(LOG), broken, broken])
    await assert_exact(documents, EXPECTED)
    (case,) = await documents["parked.g1"].find({}).to_list(None)
    assert (case["kind"], bytes(case["body"]), case["tries"]) == (MESSAGE, b'[{"type": ', 1)


async def test_new_fields_and_attributes_are_ignored(documents: Database, mongo_database: MongoDatabase) -> None:
    newer = [{**event, "colour": "red", "data": {**event["data"], "shape": {"round": True}}} for event in LOG]
    async with replica(mongo_database.url) as one:
        await apply_all(one.engine, [work([event]) for event in newer])
    await assert_exact(documents, EXPECTED)
