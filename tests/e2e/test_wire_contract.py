"""The contract of the wire, to the letter, as a client sees it that shares no code with us."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from aio_pika.abc import AbstractIncomingMessage

from tests.e2e.conftest import Whole
from tests.e2e.raw import BATCH, DIRECT, Raw, an_id, command, raw
from tests.support.eventually import eventually

pytestmark = pytest.mark.e2e

REPLICAS = 1, 1

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest_asyncio.fixture
async def client(whole: Whole) -> AsyncIterator[Raw]:
    async with raw(whole.amqp_url, whole.readers[0].url) as made:
        yield made


def founding(company: str) -> list[dict[str, Any]]:
    """What makes a company active."""
    ada = {"user_id": an_id(), "email": "ada@acme.example", "full_name": "Ada Lovelace", "role": "owner"}
    return [
        command("company.register.v1", company, {"name": f"Acme {company}", "seat_limit": 10}),
        command("user.add.v1", company, ada),
        command("company.activate.v1", company),
    ]


def accepted(one: dict[str, Any], version: int, reply: dict[str, Any]) -> dict[str, Any]:
    """The reply to an accepted command; its token is anybody's guess."""
    about = {"command_id": one["id"], "company_id": one["subject"], "version": version}
    return {"status": "accepted", **about, "token": reply["token"]}


@pytest.mark.parametrize("in_one_message", [False, True])
@pytest.mark.parametrize("kind", [DIRECT, "exclusive", "reply."])
async def test_a_company_is_made_and_read_back(client: Raw, kind: str, in_one_message: bool) -> None:
    company, reply_to = an_id(), DIRECT if kind == DIRECT else await client.listen(kind)
    commands = founding(company)
    if in_one_message:
        replies = await client.told(commands, reply_to)
    else:
        replies = [await client.told(one, reply_to) for one in commands]
    expected = [accepted(one, number + 1, replies[number]) for number, one in enumerate(commands)]
    assert replies == expected
    found = await client.get(f"/companies/{company}", after=replies[-1]["token"])
    times = {name: found.pop(name) for name in ("registered_at", "updated_at")}
    assert found == {
        "company_id": company,
        "name": f"Acme {company}",
        "status": "active",
        "status_reason": None,
        "seat_limit": 10,
        "users": {"owner": 1, "admin": 0, "member": 0},
        "version": 3,
    }
    assert times["registered_at"] <= times["updated_at"]
    asked = await client.ask("company.get.v1", reply_to, company_id=company, after=[replies[-1]["token"]])
    assert asked == {"status": "ok", "result": found | times}


async def test_a_reply_carries_what_the_caller_needs_to_recognise_it(client: Raw) -> None:
    for content in (founding(an_id()), founding(an_id())[0], command("company.paint.v1", an_id())):
        reply = await client.tell(content)  # found by its correlation id
        assert (reply.content_type, reply.reply_to) == ("application/json", None)


async def test_a_command_that_comes_again_gets_its_first_outcome(client: Raw) -> None:
    register, _, activate = founding(an_id())
    first = await client.told(register)
    assert await client.told(register | {"time": "2026-11-23T10:00:00Z"}) == first | {"repeated": True}
    refused = await client.told(activate)
    assert await client.told([register, activate]) == [first | {"repeated": True}, refused | {"repeated": True}]


async def test_an_id_is_used_for_one_command_only(client: Raw) -> None:
    register = founding(an_id())[0]
    await client.told(register)
    other = await client.told(register | {"data": {"name": "Another"}})
    assert (other["status"], other["command_id"]) == ("invalid", register["id"])
    assert [fault["type"] for fault in other["errors"]] == ["id_reused"]


async def test_a_broken_rule_is_told_by_its_code(client: Raw) -> None:
    company = an_id()
    register, _, activate = founding(company)
    await client.told(register)
    refused = await client.told(activate)
    message, details = refused.pop("message"), refused.pop("details")
    about = {"command_id": activate["id"], "company_id": company}
    assert refused == {"status": "rejected", **about, "code": "owner_required"}
    assert (type(message), type(details)) == (str, dict)
    rename = command("company.rename.v1", company, {"name": "Other"}, expectedversion=7)
    assert (await client.told(rename))["code"] == "version_conflict"
    unknown = command("company.close.v1", an_id(), {"reason": "merged"})
    assert (await client.told(unknown))["code"] == "company_not_found"


async def test_an_invalid_command_is_told_what_is_wrong_and_uses_up_no_id(client: Raw) -> None:
    register = founding(an_id())[0]
    wrong = register | {"data": {"name": "", "seat_limit": "10"}}
    invalid = await client.told(wrong)
    assert (invalid["status"], invalid["command_id"]) == ("invalid", register["id"])
    assert [set(fault) for fault in invalid["errors"]] == [{"loc", "msg", "type"}] * 2
    assert sorted(fault["loc"] for fault in invalid["errors"]) == [["data", "name"], ["data", "seat_limit"]]
    other_key = await client.told(register, key="company.close.v1")
    assert (other_key["status"], [fault["type"] for fault in other_key["errors"]]) == ("invalid", ["routing_key"])
    assert (await client.told(register))["status"] == "accepted"


async def test_one_bad_command_of_a_batch_harms_no_other(client: Raw) -> None:
    company = an_id()
    register, add, activate = founding(company)
    bad = command("company.rename.v1", company, {"name": "x", "colour": "red"})
    replies = await client.told([register, bad, 7, activate, add])
    said = [(reply["status"], reply.get("command_id"), reply.get("version")) for reply in replies]
    assert said == [
        ("accepted", register["id"], 1),
        ("invalid", bad["id"], None),
        ("invalid", None, None),
        ("rejected", activate["id"], None),
        ("accepted", add["id"], 2),
    ]


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" + b"{}," * 100 + b"{}]"])
async def test_a_message_that_cannot_be_read_as_a_whole_gets_one_invalid_object(client: Raw, content: bytes) -> None:
    reply = await client.told(content, key="batch.v1", content_type=BATCH)
    assert (reply["status"], reply["command_id"], len(reply["errors"])) == ("invalid", None, 1)


async def test_a_reply_goes_only_where_replies_may_go(client: Raw) -> None:
    register = founding(an_id())[0]
    queue = await client.channel.declare_queue(f"somebody.{an_id()}", exclusive=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.tell(register, queue.name), 0.3)
    await eventually(lambda: client.told(register), until=lambda reply: reply.get("repeated"))
    assert await queue.get(fail=False) is None


async def test_what_happened_is_told_on_the_bus_in_messages_of_one_type(client: Raw) -> None:
    company = an_id()
    heard: list[AbstractIncomingMessage] = []
    queue = await client.channel.declare_queue(exclusive=True)
    await queue.bind("events", "#")

    async def hear(message: AbstractIncomingMessage) -> None:
        heard.append(message)

    await queue.consume(hear, no_ack=True)
    origin = {"actor": "ada@acme.example", "correlationid": "ticket-4711", "traceparent": TRACE, "tracestate": "v=1"}
    register, add, activate = (one | origin for one in founding(company))
    same = command("company.rename.v1", company, register["data"] | {}, **origin)
    del same["data"]["seat_limit"]
    taken = command("company.register.v1", company, {"name": "Other"}, **origin)
    sent = [register, add, activate, same, taken]
    await client.told(sent)

    def events() -> list[dict[str, Any]]:
        return [event for message in heard for event in json.loads(message.body) if event["subject"] == company]

    await eventually(events, until=lambda found: len(found) == 5)
    for message in heard:
        assert (message.content_type, message.delivery_mode) == (BATCH, 2)
        assert {event["type"] for event in json.loads(message.body)} == {message.routing_key} == {message.type}
    assert len({message.message_id for message in heard} - {None}) == len(heard)
    found = {event["commandid"]: event for event in events()}
    ids, times = zip(*((event.pop("id"), event.pop("time")) for event in found.values()), strict=True)
    assert len(set(ids)) == 5
    assert all(datetime.fromisoformat(time).utcoffset() is not None for time in times)

    def told(one: dict[str, Any], kind: str, data: Any, **attributes: Any) -> dict[str, Any]:
        about = {"type": kind, "subject": company, "commandid": one["id"], "data": data}
        fixed = {"specversion": "1.0", "source": "/registrar/write_service", "datacontenttype": "application/json"}
        return {**fixed, **about, **origin, **attributes}

    rejected = found[taken["id"]]["data"]
    assert found == {
        register["id"]: told(register, "company.registered.v1", register["data"], version=1),
        add["id"]: told(add, "user.added.v1", add["data"], version=2),
        activate["id"]: told(activate, "company.activated.v1", {}, version=3),
        same["id"]: told(same, "command.unchanged.v1", {"command_id": same["id"], "command_type": same["type"]}),
        taken["id"]: told(
            taken,
            "command.rejected.v1",
            {
                "command_id": taken["id"],
                "command_type": "company.register.v1",
                "code": "company_already_exists",
                "message": rejected["message"],
                "details": rejected["details"],
            },
        ),
    }


async def test_what_became_of_a_command_can_be_asked_for_later(client: Raw) -> None:
    company = an_id()
    register, add, activate = founding(company)
    same = command("company.activate.v1", company)
    limit = command("company.change_seat_limit.v1", company, {"seat_limit": 10})
    replies = await client.told([register, add, activate, same, limit])
    assert [reply["status"] for reply in replies] == ["accepted", "accepted", "accepted", "rejected", "accepted"]
    assert replies[4]["version"] == 3

    async def outcome(one: dict[str, Any]) -> Any:
        return await client.ask("command.get.v1", command_id=one["id"], after=replies[2]["token"])

    added = (await outcome(add))["result"]
    (event,) = added.pop("events")
    about = {"company_id": company}
    assert added == {"status": "accepted", "command_id": add["id"], **about}
    assert (event["type"], event["version"]) == ("user.added.v1", 2)
    refused = await eventually(lambda: outcome(same), until=lambda answer: answer["status"] == "ok")
    told = {name: replies[3][name] for name in ("command_id", "company_id", "code", "message", "details")}
    assert refused["result"] == {"status": "rejected", **told}
    unchanged = await eventually(lambda: outcome(limit), until=lambda answer: answer["status"] == "ok")
    assert unchanged["result"] == {"status": "accepted", "command_id": limit["id"], **about, "events": []}
    assert await client.get(f"/commands/{limit['id']}") == unchanged["result"]
    assert await outcome({"id": an_id()}) == {"status": "not_found"}


async def test_a_query_says_what_is_wrong_and_what_is_missing_and_waits_for_commands(client: Raw) -> None:
    company = an_id()
    reply = await client.told(founding(company)[0])
    assert await client.ask("company.get.v1", company_id=an_id()) == {"status": "not_found"}
    invalid = await client.ask("company.get.v1", company_id=7)
    assert (invalid["status"], [set(fault) for fault in invalid["errors"]]) == ("invalid", [{"loc", "msg", "type"}])
    assert (await client.ask("company.paint.v1"))["status"] == "invalid"
    ahead = await client.told(command("company.rename.v1", company, {"name": f"Later {company}"}))
    answer = await client.ask("company.get.v1", company_id=company, after=[reply["token"], ahead["token"]])
    assert (answer["status"], answer["result"]["version"]) == ("ok", 2)
