"""The broker's own dead letters, moved into our custody: their senders are told, where they still can be."""

import asyncio
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from contracts.replies import Parked
from write_service.adapters.deliveries import parked_message
from write_service.entrypoints.replies import Replies
from write_service.logs import logger
from write_service.service_layer.parking import DEAD_LETTER, Parking, ToPark

RETRY_SECONDS = 1.0

log = logger(__name__)


class DeadLetters:
    """Parks one dead letter at a time, under the exchange and routing key with which it was sent."""

    def __init__(self, parking: Parking, replies: Replies) -> None:
        self._parking = parking
        self._replies = replies

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged."""
        letter = dead_letter(message)
        while True:
            try:
                await self._parking.park([letter])
            except Exception as failure:  # noqa: BLE001 - Postgres is away: the message waits, unacknowledged
                log.warning("dead_letter_waits", reason=f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        if letter.command_id is not None:
            self._replies.send(message, Parked(letter.command_id, letter.reason))


def dead_letter(message: AbstractIncomingMessage) -> ToPark:
    """What is parked of a dead letter: `x-death` says where it comes from, and why it died."""
    death = _first_death(message)
    keys = death.get("routing-keys")
    key = keys[0] if isinstance(keys, list) and keys else message.routing_key
    reason = f"{death.get('reason', 'unknown')} in {death.get('queue', 'an unknown queue')}"
    exchange = str(death.get("exchange", message.exchange or ""))
    return parked_message(message, DEAD_LETTER, f"the broker gave up on it: {reason}", exchange=exchange, key=str(key))


def _first_death(message: AbstractIncomingMessage) -> dict[str, Any]:
    deaths: Any = (message.headers or {}).get("x-death")
    found = deaths[-1] if isinstance(deaths, list) and deaths else {}  # the newest comes first
    return found if isinstance(found, dict) else {}
