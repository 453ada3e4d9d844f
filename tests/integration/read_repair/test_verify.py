"""`read-service verify` finds every kind of difference between documents and log, and makes them good."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contracts.topology import WRITE_OPERATIONS
from tests.integration.read_repair.commands import Commands
from tests.integration.read_repair.conftest import World
from tests.integration.read_repair.told import telling
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.histories import Event, Folded, histories

LOG = histories(21, 12, 300)
COMPANY = "company_id"
NAMES = sorted({event["subject"] for event in LOG})


@pytest.fixture
def commands(world: World, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setattr("read_service.entrypoints.log.PAGE", 11)
    return Commands(world, monkeypatch)


async def applied(world: World, log: list[Event] = LOG) -> None:
    """Documents of the whole log, and nobody who keeps them."""
    versions = {event["subject"]: event["version"] for event in log}
    await world.publish(log)
    async with world.replica():
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == versions)


def plants(documents: Any) -> dict[str, tuple[Callable[[str], Awaitable[Any]], str]]:
    """What is done to the documents of a company, and the words in which the difference is told."""
    companies, users, activity, all_positions = (
        documents[f"{name}.g1"] for name in ("companies", "users", "activity", "positions")
    )

    async def all_of_it(name: str) -> None:
        for collection, field in ((companies, "_id"), (all_positions, "_id"), (users, COMPANY), (activity, COMPANY)):
            await collection.delete_many({field: name})

    return {
        "a field": (lambda name: companies.update_one({"_id": name}, {"$set": {"name": "X"}}), "company: name is 'X'"),
        "a company away": (lambda name: companies.delete_one({"_id": name}), "company is missing"),
        "a user": (lambda name: users.update_one({COMPANY: name}, {"$set": {"role": "boss"}}), "role is 'boss'"),
        "a user away": (lambda name: users.delete_one({COMPANY: name}), "is missing"),
        "a user more": (lambda name: users.insert_one({"_id": f"{name}/x", COMPANY: name}), "/x is too much"),
        "all of it away": (all_of_it, "the documents are at version 0 of"),
        "activity": (lambda name: activity.update_one({COMPANY: name}, {"$set": {"data": 1}}), "data is 1"),
        "activity more": (lambda name: activity.insert_one({"_id": f"{name}/x"}), "/x is too much"),
        "behind": (lambda name: all_positions.update_one({"_id": name}, {"$inc": {"version": -1}}), "at version"),
        "a count": (lambda name: all_positions.update_one({"_id": name}, {"$inc": {"owner": 3}}), "position: owner is"),
    }


async def test_a_difference_of_any_kind_is_found_named_and_made_good(world: World, commands: Commands) -> None:
    await applied(world)
    clean = {"companies": len(NAMES), "events": len(LOG), "differences": {}, "statistics": []}
    async with telling(world.amqp_url, LOG):
        assert await commands.run("verify") == (0, clean)
        planted = dict(zip(NAMES, plants(world.documents).values(), strict=False))
        for name, (plant, _) in planted.items():
            await plant(name)
        code, said = await commands.run("verify")
        assert code == 1
        found = {name: words for name, words in planted.items() if words[1] in "; ".join(said["differences"][name])}
        assert (found, set(said["differences"])) == (planted, set(planted))
        code, said = await commands.run("verify", "--repair")
        assert (code, said["not_repaired"], said["left"], said["left_statistics"]) == (0, {}, {}, [])
    await assert_exact(world.documents, Folded.of(LOG))


async def test_wrong_counters_are_found_and_counted_anew(world: World, commands: Commands) -> None:
    await applied(world)
    async with telling(world.amqp_url, LOG):
        await world.documents["statistics.g1"].update_one(
            {}, {"$inc": {"users.active.owner": 2, "companies.closed": 1}}
        )
        code, said = await commands.run("verify", "--sample", "2")
        assert (code, said["companies"], said["differences"]) == (1, 2, {})
        assert [one.split(" is ")[0] for one in said["statistics"]] == ["companies.closed", "users.active.owner"]
        assert (await commands.run("verify", "--repair"))[0] == 0
    await assert_exact(world.documents, Folded.of(LOG))


async def test_a_company_that_the_log_does_not_know_is_found(world: World, commands: Commands) -> None:
    log = [event for event in LOG if event["subject"] != NAMES[0]]
    await applied(world)
    async with telling(world.amqp_url, log):
        code, said = await commands.run("verify", "--repair")
        assert (code, list(said["differences"])) == (1, [NAMES[0]])
        assert "the log ends at version 0" in said["not_repaired"][NAMES[0]]
        assert (await commands.run("verify", "--company", NAMES[1]))[0] == 0
    await assert_exact(world.documents, Folded.of(LOG))


async def test_events_that_are_on_their_way_are_no_difference(world: World, commands: Commands) -> None:
    await world.publish(LOG[:250])
    async with telling(world.amqp_url, LOG), world.replica():
        await eventually(lambda: positions(world.documents), until=lambda seen: sum(seen.values()) >= 250)
        verifying = asyncio.create_task(commands.run("verify"))
        await world.publish(LOG[250:])
        assert (await verifying)[:1] == (0,)


async def test_versions_that_were_left_out_are_named_with_their_reason(world: World, commands: Commands) -> None:
    lost = next(event for event in LOG if event["type"] == "user.added.v1")
    log = [{**event, "type": "user.praised.v1"} if event is lost else event for event in LOG]
    await applied(world, log)
    async with telling(world.amqp_url, log):
        code, said = await commands.run("verify", "--company", lost["subject"])
        assert code == 1
        (found,) = said["differences"].values()
        assert found[0].startswith(f"version {lost['version']} was left out: unreadable_event, open: this type")
        assert [one for one in found[1:] if "user" not in one] == []


async def test_an_event_whose_data_cannot_be_read_is_named(world: World, commands: Commands) -> None:
    broken = next(event for event in LOG if event["type"] == "user.added.v1")
    await applied(world)
    async with telling(world.amqp_url, [{**event, "data": {}} if event is broken else event for event in LOG]):
        code, said = await commands.run("verify")
    assert (code, list(said["differences"])) == (1, [broken["subject"]])
    assert said["differences"][broken["subject"]][0].startswith(f"version {broken['version']}, user.added.v1, cannot")


async def test_counters_that_others_hold_are_not_repaired_and_it_says_so(
    world: World, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("read_service.adapters.checking._TRIES", 2)
    await applied(world)
    counters = world.documents["statistics.g1"]
    await counters.update_one({}, {"$inc": {"companies.closed": 1}})
    sessions = world.documents.client.start_session
    async with telling(world.amqp_url, LOG), await sessions() as session, session.start_transaction():
        await counters.update_many({}, {"$inc": {"touched": 1}}, session=session)
        code, said = await commands.run("verify", "--repair")
        await session.abort_transaction()
    assert (code, list(said["not_repaired"]), len(said["left_statistics"])) == (1, ["statistics"], 1)


@pytest.mark.parametrize("command", ["verify", "gaps"])
async def test_without_the_documents_it_says_that_it_could_not_be_done(
    world: World, commands: Commands, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("REGISTRAR_MONGO_URL", re.sub("//.*@", "//nobody:wrong@", world.mongo_url))
    code, said = await commands.run(command)
    assert (code, "OperationFailure: Authentication failed" in said) == (3, True)


async def test_gaps_are_shown_and_say_whether_they_can_be_repaired(world: World, commands: Commands) -> None:
    assert await commands.run("gaps") == (0, [])
    broken = [event for event in LOG if event["subject"] == NAMES[0]]
    async with telling(world.amqp_url, []), world.replica():
        await world.publish([*broken[:3], *broken[4:]])
        _, found = await eventually(lambda: commands.run("gaps"), until=lambda seen: seen[0] == 1)
    (gap,) = found
    assert (gap["company_id"], gap["version"], gap["state"]) == (NAMES[0], 3, "unrepairable")


async def test_without_a_write_service_it_says_that_the_log_cannot_be_read(world: World, commands: Commands) -> None:
    await world.channel.queue_delete(WRITE_OPERATIONS.name)
    code, said = await commands.run("verify")
    assert (code, "the log cannot be read" in said) == (3, True)
