"""The broker's dead letters: parked under the address they were sent to, their senders told."""

import json
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from tests.unit.write_service.test_command_consumer import REPLY_TO, Given, envelope, single
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


async def take(given: Given, command: dict[str, Any] | bytes, deaths: Any) -> None:
    delivery = single(command) if isinstance(command, dict) else single({})
    if isinstance(command, bytes):
        delivery.body = command
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
