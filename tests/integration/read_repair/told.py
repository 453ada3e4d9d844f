"""A write service that answers from a list of events, and counts what it is asked for."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from contracts.batching import array, cut
from contracts.operations import EVENTS_MISSING, EVENTS_REPLAY, HEADS_CHANGED, REPLAY_TYPE
from contracts.topology import WRITE_OPERATIONS
from tests.support.histories import Event

AS_OF = "2026-11-25T01:00:00Z"


@dataclass
class Told:
    """The log, and who asked for what."""

    log: list[Event]
    missing: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    changed: set[str] = field(default_factory=set)  # companies that are named as changed lately

    @property
    def requests(self) -> Counter[str]:
        """How often events were asked for, by company."""
        return Counter(request["company_id"] for request in self.missing)

    def of(self, company_id: str, after: int = 0, up_to: int | None = None) -> list[Event]:
        """A company's events."""
        events = (event for event in self.log if event["subject"] == company_id and event["version"] > after)
        return sorted((one for one in events if up_to is None or one["version"] <= up_to), key=_place)

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[list[Event], dict[str, Any]]:
        """The events to send, and the answer."""
        self.asked[operation] += 1
        if operation == EVENTS_MISSING:
            self.missing.append(request)
            wanted = self.of(request["company_id"], request["after_version"], request.get("up_to_version"))
            head = max((event["version"] for event in self.of(request["company_id"])), default=0)
            return wanted, {"status": "ok", "sent": len(wanted), "head": head}
        if operation == EVENTS_REPLAY:
            after, limit = request.get("after") or {"company_id": "", "version": 0}, request["limit"]
            behind = [event for event in sorted(self.log, key=_place) if _place(event) > tuple(after.values())]
            named = [event for event in behind if event["subject"] in request.get("companies", [event["subject"]])]
            page = named[:limit]
            end = len(page) < limit
            last = None if end else dict(zip(("company_id", "version"), _place(page[-1]), strict=True))
            return page, {"status": "ok", "sent": len(page), "next": last}
        assert operation == HEADS_CHANGED
        return [], self._heads(request)

    def _heads(self, request: dict[str, Any]) -> dict[str, Any]:
        versions: dict[str, int] = {}
        for event in sorted(self.log, key=_place):
            versions[event["subject"]] = event["version"]
        known = self.changed if "since" in request else set(versions)
        behind = sorted(name for name in known if name > request.get("after", ""))
        page = behind[: request["limit"]]
        heads = [{"company_id": name, "version": versions[name]} for name in page]
        return {"status": "ok", "heads": heads, "next": page[-1] if len(behind) > len(page) else None, "as_of": AS_OF}


@contextlib.asynccontextmanager
async def telling(url: str, log: Iterable[Event]) -> AsyncIterator[Told]:
    """Answer while the block runs."""
    told = Told(list(log))
    told.changed = {event["subject"] for event in told.log}
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()

        async def take(message: AbstractIncomingMessage) -> None:
            events, answer = told.answer(message.routing_key or "", json.loads(message.body))
            for run in cut(json.dumps(event).encode() for event in events):
                await send(channel, "", json.loads(message.body)["queue"], array(run), REPLAY_TYPE)
            reply = aio_pika.Message(json.dumps(answer).encode(), correlation_id=message.correlation_id)
            await channel.default_exchange.publish(reply, message.reply_to or "", mandatory=False)
            await message.ack()

        queue = await channel.get_queue(WRITE_OPERATIONS.name, ensure=False)
        await queue.consume(take)
        yield told


async def send(channel: AbstractChannel, exchange: str, key: str, body: bytes, kind: str) -> None:
    """Publish an event message."""
    message = aio_pika.Message(body, type=kind, content_type="application/cloudevents-batch+json")
    to = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await to.publish(message, key)


def _place(event: Event) -> tuple[str, int]:
    return event["subject"], event["version"]
