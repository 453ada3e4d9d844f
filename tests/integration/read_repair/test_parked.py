"""What cannot be applied is in custody: seen, made good from the log, sent again, or dropped."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aio_pika
import pytest

from contracts.topology import DEAD_LETTERS, READ_PARKED, live_events
from read_service.adapters.gaps import MongoGaps
from read_service.adapters.parked import Filter, MongoParked
from read_service.entrypoints.dead_letters import DeadLetters
from read_service.entrypoints.log import event_log
from read_service.entrypoints.reprojecting import reproject
from tests.integration.read_repair.commands import Commands
from tests.integration.read_repair.conftest import World
from tests.integration.read_repair.told import send, telling
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.histories import Event, Folded, histories

Run = Callable[..., Any]


@pytest.fixture
def parked(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `read-service parked …`."""
    return partial(Commands(world, monkeypatch).run, "parked")


def changed(log: list[Event], place: int, **changes: Any) -> list[Event]:
    return [{**event, **changes} if number == place else event for number, event in enumerate(log)]


async def cases_of(world: World) -> list[dict[str, Any]]:
    return await MongoParked(world.documents, 1).listed(Filter(state="all"), 100)


async def test_an_event_that_could_not_be_read_is_made_good_from_the_log(world: World, parked: Run) -> None:
    log = histories(11, 2, 40)
    company = log[6]["subject"]
    broken = changed(log, 6, type="company.reformed.v9")
    async with world.replica() as replica:
        await world.publish(broken)
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        code, said = await parked("list")
        assert (code, said["count"]) == (0, 1)
        (case,) = said["items"]
        assert (case["kind"], case["company_id"], case["version"]) == ("unreadable_event", company, log[6]["version"])
        async with telling(world.amqp_url, broken):  # the log still says what nobody here understands
            code, said = await parked("resend", case["_id"])
        reason = "this version of the service cannot read it: resend it after an upgrade"
        assert (code, said) == (1, {"resent": 0, "ids": [], "left_open": [{"id": case["_id"], "reason": reason}]})
        assert [one["tries"] for one in (await parked("list"))[1]["items"]] == [2]
        async with telling(world.amqp_url, log):  # as a newer version understands it
            assert (await parked("resend", "--company", company, "--dry-run"))[1] == {"would_be_resent": 1, "resent": 0}
            assert await parked("resend", "--company", company) == (0, {"resent": 1, "ids": [case["_id"]]})
        await assert_exact(world.documents, Folded.of(log))
        assert (await parked("list"))[1]["count"] == 0
        assert [one["state"] for one in (await parked("list", "--state", "all"))[1]["items"]] == ["resent"]
        assert replica.engine is not None


async def test_a_company_is_made_anew_while_its_events_go_on(world: World) -> None:
    log = histories(12, 1, 400)
    company = log[0]["subject"]
    expected = Folded.of(log)
    seen: list[int] = []
    broken: list[str] = []

    async def watch() -> None:
        while True:
            async with await world.documents.client.start_session(snapshot=True) as session:
                one = await world.documents["companies.g1"].find_one({}, session=session)
                users = await world.documents["users.g1"].count_documents({}, session=session)
                activity = await world.documents["activity.g1"].count_documents({}, session=session)
            version, counted = (one["version"], sum(one["users"].values())) if one else (0, 0)
            seen.append(version)
            if (users, activity) != (counted, version):
                broken.append(f"{users} users of {counted}, {activity} entries at {version}")

    watching = asyncio.create_task(watch())
    async with telling(world.amqp_url, log), world.replica(), event_log(world.amqp_url) as source:
        publishing = asyncio.create_task(world.publish(log))
        await eventually(lambda: positions(world.documents))
        while not seen or seen[-1] < len(log):
            await reproject(source, world.documents, 1, company)
        await publishing
        await eventually(lambda: world.documents["ahead.g1"].count_documents({}), until=lambda left: left == 0)
    watching.cancel()
    assert (seen, broken) == (sorted(seen), [])
    await assert_exact(world.documents, expected)


async def test_documents_that_the_log_knows_less_of_are_left_as_they_are(world: World) -> None:
    log = histories(13, 2, 40)
    async with world.replica():
        await world.publish(log)
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
    async with telling(world.amqp_url, log[:-4]), event_log(world.amqp_url) as source:
        with pytest.raises(Exception, match="the log ends at version"):
            await reproject(source, world.documents, 1, log[-1]["subject"])
    await assert_exact(world.documents, Folded.of(log))


async def test_early_events_of_a_company_that_the_log_does_not_know_stay_and_are_applied_once_it_does(
    world: World,
) -> None:
    log = histories(16, 1, 6)
    company = log[0]["subject"]
    async with world.replica():
        await world.publish(log[2:])
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {company: 0})
    async with telling(world.amqp_url, []), event_log(world.amqp_url) as source:
        assert (await reproject(source, world.documents, 1, company)).version == 0
    assert await MongoGaps(world.documents, 1).early() == {company: 0}
    async with world.replica():
        await world.publish(log[:2])
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {company: len(log)})
    await assert_exact(world.documents, Folded.of(log))
    assert await world.documents["ahead.g1"].count_documents({}) == 0


async def test_a_message_without_a_version_goes_through_the_queue_again(world: World, parked: Run) -> None:
    outcome = {
        **{name: value for name, value in histories(14, 1, 1)[0].items() if name not in ("version", "data")},
        "type": "command.unchanged.v1",
        "data": {"command_id": "no id", "command_type": "company.activate.v1"},
    }
    async with world.replica():
        await world.publish([outcome])
        (case,) = await eventually(lambda: cases_of(world))
        assert (await parked("show", case["_id"]))[1][0]["body"] == json.dumps(outcome, separators=(",", ":"))
        code, said = await parked("resend", "--all")
        assert (code, said["resent"]) == (0, 1)
        # It is as unreadable as before: the same case is open again.
        (again,) = await eventually(
            lambda: cases_of(world), until=lambda cases: (cases[0]["state"], cases[0]["tries"]) == ("open", 2)
        )
        assert again["_id"] == case["_id"]
        assert await parked("drop") == (2, "name cases, give a filter, or say --all\n")
        assert await parked("drop", case["_id"]) == (0, {"dropped": 1, "ids": [case["_id"]]})
        assert (await parked("list", "--state", "dropped"))[1]["count"] == 1


async def test_a_message_parked_again_while_it_is_being_sent_stays_open(world: World) -> None:
    cases = MongoParked(world.documents, 1)
    async with world.replica():
        await send(world.channel, "", live_events(1).name, b"no JSON", "company.renamed.v1")
        (case,) = await eventually(lambda: cases_of(world))
        await cases.begin_sending(case["_id"])
        await send(world.channel, "", live_events(1).name, b"no JSON", "company.renamed.v1")
        await eventually(lambda: cases_of(world), until=lambda found: found[0]["tries"] == 2)
        await cases.sent(case["_id"])
    assert [one["state"] for one in await cases_of(world)] == ["open"]


@asynccontextmanager
async def taking_dead_letters(world: World) -> Any:
    queue = await world.channel.get_queue(READ_PARKED.name, ensure=False)
    letters = DeadLetters(world.documents, 1)

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        await letters.take(message)
        await message.ack()

    tag = await queue.consume(take)
    yield
    await queue.cancel(tag)


async def test_a_dead_letter_comes_into_custody_and_back_into_the_documents(world: World, parked: Run) -> None:
    (event,) = histories(15, 1, 1)
    queue = live_events(1).name
    death: Any = {"reason": "delivery_limit", "queue": queue, "routing-keys": [event["type"]]}
    message = aio_pika.Message(json.dumps([event]).encode(), type=event["type"], headers={"x-death": [death]})
    async with taking_dead_letters(world):
        await (await world.channel.get_exchange(DEAD_LETTERS)).publish(message, "read_service")
        (case,) = await eventually(lambda: cases_of(world))
    assert (case["kind"], case["type"]) == ("dead_letter", event["type"])
    assert case["reason"] == f"the broker gave up on it: delivery_limit in {queue}"
    async with world.replica():
        code, said = await parked("resend", "--kind", "dead_letter")
        assert (code, said["resent"]) == (0, 1)
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == {event["subject"]: 1})
    await assert_exact(world.documents, Folded.of([event]))


async def test_a_case_that_cannot_be_resent_holds_no_other_one_up(world: World, parked: Run) -> None:
    log = histories(16, 2, 40)
    first, second = (event for event in log if event["version"] == 2)
    broken = [{**event, "type": "company.reformed.v9"} if event in (first, second) else event for event in log]
    death: Any = {"reason": "delivery_limit", "queue": live_events(1).name, "routing-keys": ["\ufffd" * 200]}
    letter = aio_pika.Message(b"no JSON", headers={"x-death": [death]})
    async with world.replica():
        async with taking_dead_letters(world):
            await (await world.channel.get_exchange(DEAD_LETTERS)).publish(letter, "read_service")
            await eventually(lambda: cases_of(world))
        await world.publish(broken)
        await eventually(lambda: positions(world.documents), until=lambda seen: seen == Folded.of(log).positions)
        known = [event for event in log if event["subject"] == second["subject"] or event["version"] < 3]
        async with telling(world.amqp_url, known):  # of the first company the log has lost what the documents know
            code, said = await parked("resend", "--all")
    cases = {case["_id"]: case for case in await cases_of(world)}
    assert (code, [cases[one]["company_id"] for one in said["ids"]]) == (1, [second["subject"]])
    told = {cases[one["id"]]["kind"]: one["reason"] for one in said["left_open"]}
    assert told["unreadable_event"].startswith("its company is as it was: NotReprojected: the log ends at version 2")
    assert told["dead_letter"].startswith("it makes no message")
    assert len(cases) == 3
    assert {case["company_id"]: case["state"] for case in cases.values()} == {
        None: "sending",
        first["subject"]: "open",
        second["subject"]: "resent",
    }
