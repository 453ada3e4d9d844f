"""From a delivery to its reply: what is handled, what is parked, who is told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from contracts.commands import Command
from contracts.publisher import ConfirmedPublisher, Unconfirmed
from contracts.reading import BATCH, BATCH_KEY, SINGLE
from contracts.replies import Accepted, Parked, Reply
from tests.unit.write_service.orders import an_id
from write_service.entrypoints import commands as entrypoint
from write_service.entrypoints.commands import CommandConsumer
from write_service.entrypoints.replies import Replies
from write_service.metrics import REGISTRY
from write_service.service_layer.outcomes import HandlerFailed, RefusedByDatabase
from write_service.service_layer.parking import ToPark

KEPT = "a fault of ours; it is kept for an operator"
REPLY_TO = "amq.rabbitmq.reply-to.g1h2AA5yZXBseUAyMjcyMDMwOAAAB5sAAAAAawZGKw==.6SLApnQxVSmYGJrMGKPmbw=="


@dataclass
class Delivery:
    """A message as the broker delivers it."""

    body: bytes
    content_type: str | None = SINGLE
    routing_key: str = "company.register.v1"
    reply_to: str | None = REPLY_TO
    correlation_id: str | None = "c1"
    redelivered: bool = False
    message_id: str | None = "m1"
    exchange: str = "commands"
    headers: dict[str, Any] = field(default_factory=dict)
    type: str | None = None
    app_id: str | None = None
    user_id: str | None = None
    priority: int | None = None
    timestamp: None = None


class Given:
    """A consumer with everything around it in memory."""

    def __init__(self) -> None:
        self.handled: list[tuple[list[str], bool]] = []
        self.parked: list[ToPark] = []
        self.sent: list[tuple[str, Any, str | None]] = []
        self.outcomes: dict[str, Reply] = {}
        self.parking_fails = 0
        self.broker_is_away = False
        self.replies = Replies(cast("ConfirmedPublisher", self))
        self.consumer = CommandConsumer(self.handle, self, self.replies)

    async def handle(self, commands: Sequence[Command], *, redelivered: bool) -> list[Reply]:
        self.handled.append(([command.id for command in commands], redelivered))
        return [
            self.outcomes.get(command.id, Accepted(command.id, command.subject, 1, "token")) for command in commands
        ]

    async def park(self, messages: Sequence[ToPark]) -> None:
        if self.parking_fails:
            self.parking_fails -= 1
            raise OSError("away")
        self.parked += messages

    async def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
        if self.broker_is_away:
            raise Unconfirmed
        assert exchange == ""
        self.sent.append((routing_key, json.loads(body), properties["correlation_id"]))

    async def take(self, delivery: Delivery) -> None:
        await self.consumer.take(cast("AbstractIncomingMessage", delivery))
        await self.replies.drained()


def envelope(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": an_id(),
        "source": "/tests",
        "type": "company.register.v1",
        "subject": an_id(),
        "data": {"name": "Acme", "seat_limit": 5},
        **changes,
    }


def single(command: Any, **changes: Any) -> Delivery:
    return Delivery(json.dumps(command).encode(), **changes)


def batch(*commands: Any) -> Delivery:
    return single(commands, content_type=BATCH, routing_key=BATCH_KEY)


def accepted(command: dict[str, Any]) -> dict[str, Any]:
    ids = {"command_id": command["id"], "company_id": command["subject"]}
    return {"status": "accepted", **ids, "version": 1, "token": "token"}


async def test_a_command_is_handled_and_its_sender_told() -> None:
    given, command = Given(), envelope()
    await given.take(single(command, redelivered=True))
    assert given.handled == [([command["id"]], True)]
    assert given.sent == [(REPLY_TO, accepted(command), "c1")]
    assert given.parked == []


async def test_of_a_batch_only_the_bad_one_is_invalid_and_parked_by_itself() -> None:
    given, good, bad, last = Given(), envelope(), envelope(data={"name": "Acme", "extra": 1}), envelope()
    await given.take(batch(good, bad, 7, last))
    assert given.handled == [([good["id"], last["id"]], False)]
    ((_, replies, _),) = given.sent
    assert [reply["status"] for reply in replies] == ["accepted", "invalid", "invalid", "accepted"]
    assert [reply["command_id"] for reply in replies] == [good["id"], bad["id"], None, last["id"]]
    assert [(parked.kind, json.loads(parked.body), parked.routing_key) for parked in given.parked] == [
        ("unreadable", bad, "company.register.v1"),
        ("unreadable", 7, ""),
    ]


async def test_what_is_parked_of_a_batch_can_be_sent_again_however_long_its_names_are() -> None:
    given, long = Given(), "é" * 200
    await given.take(batch(envelope(type=long, id=long, subject=long), {"type": long + "\x00"}))
    first, second = given.parked
    assert (first.routing_key, first.message_id, first.company_id) == ("é" * 127,) * 3
    assert (second.routing_key, second.message_id) == ("é" * 127, "m1/1")


async def test_what_is_parked_whole_can_be_sent_again_however_long_its_properties_are() -> None:
    given, long = Given(), "\x00" * 255  # each becomes the three bytes that stand for what is no text
    await given.take(Delivery(b"{", correlation_id=long, message_id=long, type=long, routing_key=long))
    (parked,) = given.parked
    texts = (parked.message_id, parked.routing_key, parked.properties["type"], parked.properties["correlation_id"])
    assert texts == ("\ufffd" * 85,) * 4


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(b"{"),
        Delivery(b"\xff\xfe"),
        Delivery(b"[]", content_type=BATCH, routing_key=BATCH_KEY),
        Delivery(b"{}", content_type="text/plain"),
        Delivery(b"{}", content_type=None),
        Delivery(b" " * 300_000),
    ],
)
async def test_what_cannot_be_read_gets_one_invalid_and_is_parked_whole(delivery: Delivery) -> None:
    given = Given()
    await given.take(delivery)
    assert given.handled == []
    ((_, reply, _),) = given.sent
    assert (reply["status"], reply["command_id"], len(reply["errors"])) == ("invalid", None, 1)
    assert [(parked.kind, parked.body) for parked in given.parked] == [("unreadable", delivery.body)]


@pytest.mark.parametrize(
    ("failed", "kind", "says"),
    [
        (HandlerFailed, "handler_failed", f"its handler failed, {KEPT}"),
        (RefusedByDatabase, "refused_by_database", f"the database refuses it, {KEPT}"),
        (Parked, "crashed", "why"),
    ],
)
async def test_what_failed_is_parked_under_its_kind_and_its_sender_told_nothing_of_others(
    failed: type[Parked], kind: str, says: str
) -> None:
    given, command, other = Given(), envelope(), envelope()
    given.outcomes[command["id"]] = failed(command["id"], "why")
    await given.take(single(command))
    await given.take(batch(command, other))
    said = {"status": "parked", "command_id": command["id"], "reason": says}
    assert [reply for _, reply, _ in given.sent] == [said, [said, accepted(other)]]
    assert [(parked.kind, parked.reason, json.loads(parked.body)) for parked in given.parked] == [
        (kind, "why", command),
        (kind, "why", command),
    ]


def counted(kind: str, outcome: str) -> float:
    """How many commands of a type had that outcome."""
    return REGISTRY.get_sample_value("registrar_write_commands_total", {"type": kind, "outcome": outcome}) or 0


async def test_what_no_transaction_has_counted_is_counted() -> None:
    given, refused, crashed, failed = Given(), envelope(), envelope(), envelope()
    given.outcomes = {
        refused["id"]: RefusedByDatabase(refused["id"], "why"),
        crashed["id"]: Parked(crashed["id"], "why"),
        failed["id"]: HandlerFailed(failed["id"], "why"),  # its neighbours were committed, and it was counted with them
    }
    names = ("company.register.v1", "invalid"), ("company.register.v1", "parked"), ("unknown", "invalid")
    before = [counted(*name) for name in names]
    await given.take(batch(refused, envelope(data={}), crashed, failed, envelope(), {"type": "company.paint.v1"}, 7))
    await given.take(Delivery(b"{"))
    assert [counted(*name) - was for name, was in zip(names, before, strict=True)] == [1, 2, 3]


async def test_nobody_is_told_before_what_is_bad_is_in_custody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrypoint, "RETRY_SECONDS", 0)
    given = Given()
    given.parking_fails = 3
    await given.take(Delivery(b"{"))
    assert (given.parking_fails, len(given.parked), len(given.sent)) == (0, 1, 1)


@pytest.mark.parametrize("reply_to", [None, "", "write_service.commands", "read_service.events.g1", "amq.other"])
async def test_a_reply_goes_nowhere_but_where_replies_may_go(reply_to: str | None) -> None:
    given, command = Given(), envelope()
    await given.take(single(command, reply_to=reply_to))
    assert len(given.handled) == 1
    assert given.sent == []


async def test_a_reply_that_cannot_be_sent_holds_nothing_up() -> None:
    given = Given()
    given.broker_is_away = True
    await given.take(single(envelope()))
    assert len(given.handled) == 1
