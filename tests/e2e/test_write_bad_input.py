"""Bad input on the real service: told to the sender, parked with its reason, and the next command is handled."""

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.write_side import bus, changed, command, count, parked, typed
from tests.support.eventually import eventually
from tests.support.processes import ready

pytestmark = pytest.mark.e2e

BINARY = b"\xff\xfe\x00"
NUL = command(data={"name": "Ac\x00me"})
HALF = command(data={"name": "Ac\ud800me"})
HUGE = command(data={"name": "x" * 300_000})

# What is sent, with which routing key and content type where they are not the usual ones, and the error that is told.
CASES: dict[str, tuple[Any, str | None, str | None, str]] = {
    "unreadable bytes": (BINARY, None, None, "json_invalid"),
    "cut short": (b'{"specversion": "1.0"', None, None, "json_invalid"),
    "not an object": (b'"words"', None, None, "object"),
    "wrong content type": (command(), None, "text/plain", "content_type"),
    "wrong routing key": (command(), "company.close.v1", None, "routing_key"),
    "wrong types": (command(data={"name": "Acme", "seat_limit": "10"}), None, None, "int_type"),
    "a missing field": (command(data={}), None, None, "missing"),
    "an unknown field": (command(data={"name": "Acme", "colour": "red"}), None, None, "extra_forbidden"),
    "an unknown attribute": (command(colour="red"), None, None, "extra_forbidden"),
    "an unknown command": (command("company.paint.v1"), None, None, "unknown_type"),
    "a future version": (command("company.register.v2"), None, None, "unknown_version"),
    "a NUL": (NUL, None, None, "control_character"),
    "half a character": (HALF, None, None, "control_character"),
    "half a character, cut short": (b'{"type": "\\ud800', None, None, "json_invalid"),
    "an id that is none": (command(id="7"), None, None, "string_pattern_mismatch"),
    "oversized": (HUGE, None, None, "message_too_large"),
    "an empty batch": ([], None, None, "batch_size"),
    "too many in a batch": ([command() for _ in range(101)], None, None, "batch_size"),
}


async def test_bad_input_is_told_parked_and_passed_over(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        for case, (body, key, content_type, kind) in CASES.items():
            reply = await client.ask(body, key, content_type)
            assert (reply["status"], reply["errors"][0]["type"]) == ("invalid", kind), case
            assert (await client.ask(command()))["status"] == "accepted", case
        good, bad = command(), command(data={"name": ""})
        replies = await client.ask([good, bad, 7, HALF])
        assert [reply["status"] for reply in replies] == ["accepted", "invalid", "invalid", "invalid"]
        for body, key, content_type, _ in CASES.values():
            await client.send(body, key, content_type)  # again, and nobody wants to hear of it
        assert (await client.ask(command()))["status"] == "accepted"
        code, listed = await typed(environment, "parked", "list", "--json")
        assert await service.stop() == 0
    assert code == 0, listed
    said = json.loads(listed)
    assert said["count"] == 2 * len(CASES) + 3
    assert {row["kind"] for row in said["items"]} == {"unreadable"}
    reasons = [row["reason"] for row in said["items"]]
    assert all(reasons)
    assert bad["id"] in {row["command_id"] for row in said["items"]}
    assert await count(environment, "events") == len(CASES) + 2


NOT_GIVEN_BY_THE_BROKER = ("amq.rabbitmq.reply-to.!!.!!", "amq.rabbitmq.reply-to.AAAA.BBBB", "amq.rabbitmq.reply-to.")
OF_A_NODE_THAT_IS_GONE = "amq.rabbitmq.reply-to.g1h3B3JlcGx5QDEAAAABAAAAAQAAAAE=.a2tra2tra2tra2tra2trAA=="


async def test_an_address_that_only_looks_like_one_costs_nobody_else_a_reply(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        for reply_to in NOT_GIVEN_BY_THE_BROKER * 3:
            await client.send(command(), reply_to=reply_to, correlation_id="7")
            assert (await client.ask(command()))["status"] == "accepted", reply_to
        assert await service.stop() == 0
        assert "reply_lost" not in service.log.read_text()


async def test_an_address_of_a_node_that_is_gone_costs_replies_and_no_events(environment: dict[str, str]) -> None:
    """RabbitMQ 3.10 closes the whole connection that publishes there."""
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        for _ in range(20):
            await client.send(command(), reply_to=OF_A_NODE_THAT_IS_GONE)
        await eventually(lambda: count(environment, "events"), until=lambda events: events == 20)
        await eventually(lambda: asyncio.to_thread(service.health), until=lambda status: status == 200)
        assert (await client.ask(command()))["status"] == "accepted"
        assert await service.stop() == 0
        assert "events_unconfirmed" not in service.log.read_text()
    assert await count(environment, "outbox") == 0


async def test_parked_messages_are_found_resent_and_dropped(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        renames = [command("company.rename.v1", data={"name": "x", "more": number}) for number in range(3)]
        for one in [command(data={"title": "x"}), *renames]:
            assert (await client.ask(one))["status"] == "invalid"
        first = renames[0]
        filters = ["--type", "company.rename.v1"]
        assert (await parked(environment, "list", *filters))["count"] == 3
        assert (await parked(environment, "list", "--kind", "crashed"))["count"] == 0
        dry = await parked(environment, "resend", "--dry-run", *filters)
        assert dry == {"would_be_resent": 3, "resent": 0}

        resent = await parked(environment, "resend", "--command", first["id"])
        assert resent["resent"] == 1
        assert (await client.ask(command()))["status"] == "accepted"  # what was resent has been parked again by now
        (row,) = await parked(environment, "show", "--command", first["id"])
        assert (row["tries"], len(row["history"]), json.loads(row["body"])) == (2, 1, first)
        assert row["properties"]["headers"]["x-parked-tries"] == 1
        assert len(row["properties"]["headers"]["x-parked-history"]) == 1

        dropped = await parked(environment, "drop", *filters)
        assert dropped["dropped"] == 3
        assert (await parked(environment, "list"))["count"] == 1
        assert (await parked(environment, "list", "--state", "dropped"))["count"] == 3
        assert await service.stop() == 0
    assert await count(environment, "events") == 1


async def test_a_message_that_cannot_be_resent_holds_no_other_one_up(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        gone, whole, last = (command("company.rename.v1", data={"name": ""}) for _ in range(3))
        for one in ([{**command(), "type": "é" * 200}, {"id": "no id"}], gone, whole, last):
            await client.ask(one)
        await changed(environment, "UPDATE parked SET exchange = 'gone' WHERE command_id = $1", gone["id"])
        await changed(environment, "UPDATE parked SET message_id = repeat('m', 300) WHERE command_id = $1", whole["id"])
        code, said = await typed(environment, "parked", "resend", "--all", "--json")
        result = json.loads(said)
        assert (code, result["resent"], len(result["left_open"])) == (1, 3, 2), said
        assert (await client.ask(command()))["status"] == "accepted"  # what was resent has been parked again by now
        (row,) = await parked(environment, "show", "--command", last["id"])
        assert row["tries"] == 2
        assert await service.stop() == 0
    listed = {row["id"]: row["command_id"] for row in (await parked(environment, "list"))["items"]}
    told = {listed[one["id"]]: one["reason"] for one in result["left_open"]}
    assert told.keys() == {gone["id"], whole["id"]}
    assert "no exchange 'gone'" in told[gone["id"]]
    assert "makes no message" in told[whole["id"]]
