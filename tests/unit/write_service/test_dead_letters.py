"""The broker's dead letters: parked under the address they were sent to, their senders told."""

import json
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from contracts.reading import BATCH
from tests.unit.write_service.test_command_consumer import REPLY_TO, Delivery, Given, batch, envelope, single
from write_service.entrypoints import dead_letters as entrypoint
from write_service.entrypoints.dead_letters import DeadLetters

DEATHS: list[Any] = [
    {
        "queue": "write_service.parked",
        "reason": "expired",
        "exchange": "dead_letters",
        "routing-keys": ["write_service"],
    },
    {
        "queue": "write_service.commands",
        "reason": "delivery_limit",
        "exchange": "commands",
        "routing-keys": ["user.add.v1"],
    },
]


async def take(given: Given, found: dict[str, Any] | bytes | Delivery, deaths: Any) -> None:
    delivery = found if isinstance(found, Delivery) else single(found) if isinstance(found, dict) else Delivery(found)
    delivery.exchange, delivery.routing_key, delivery.headers = "dead_letters", "write_service", {"x-death": deaths}
    await DeadLetters(given, given.replies).take(cast("AbstractIncomingMessage", delivery))
    await given.replies.drained()


async def test_a_dead_letter_is_parked_under_its_first_address_and_its_sender_told() -> None:
    given, command = Given(), envelope()
    await take(given, command, DEATHS)
    (letter,) = given.parked
    assert (letter.kind, letter.exchange, letter.routing_key) == ("dead_letter", "commands", "user.add.v1")
    assert letter.reason == "the broker gave up on it: delivery_limit in write_service.commands"
    assert json.loads(letter.body) == command
    said = {"status": "parked", "command_id": command["id"], "reason": letter.reason}
    assert given.sent == [(REPLY_TO, said, "c1")]


async def test_the_sender_of_a_batch_is_told_of_each_command_in_their_order() -> None:
    given, first, last = Given(), envelope(), envelope()
    await take(given, batch(first, 7, {"id": last["id"]}, last), [{**DEATHS[1], "routing-keys": ["batch.v1"]}])
    (letter,) = given.parked
    assert (letter.routing_key, letter.content_type) == ("batch.v1", BATCH)
    ((to, replies, correlation_id),) = given.sent
    assert (to, correlation_id) == (REPLY_TO, "c1")
    parked = [{"status": "parked", "command_id": one["id"], "reason": letter.reason} for one in (first, last)]
    assert [replies[0], replies[2], replies[3]] == [parked[0], parked[1], parked[1]]
    assert (replies[1]["status"], replies[1]["command_id"]) == ("invalid", None)


@pytest.mark.parametrize("deaths", [None, [], "words", [7], [{}], [{"routing-keys": []}]])
async def test_a_dead_letter_without_a_story_is_parked_all_the_same(deaths: Any) -> None:
    given = Given()
    await take(given, b"no json", deaths)
    (letter,) = given.parked
    assert (letter.kind, letter.exchange, letter.routing_key) == ("dead_letter", "dead_letters", "write_service")
    assert given.sent == []


async def test_a_dead_letter_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrypoint, "RETRY_SECONDS", 0)
    given = Given()
    given.parking_fails = 2
    await take(given, envelope(), DEATHS)
    assert len(given.parked) == 1
