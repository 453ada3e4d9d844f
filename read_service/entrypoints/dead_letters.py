"""The broker's own dead letters, moved into our custody."""

import asyncio
import hashlib
import re
from typing import Any

import structlog
from aio_pika.abc import AbstractIncomingMessage

from read_service import metrics
from read_service.adapters.mongo import Database
from read_service.adapters.parked import MongoParked
from read_service.projections.reading import MOST_KEPT, Parked

DEAD_LETTER = "dead_letter"
RETRY_SECONDS = 1.0
_GENERATION = re.compile(r"\.g(\d+)$")

log = structlog.get_logger()


class DeadLetters:
    """Parks one dead letter at a time, with the generation from whose queue it comes."""

    def __init__(self, database: Database, generation: int) -> None:
        self._database = database
        self._generation = generation  # for a letter that does not say where it comes from

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged."""
        letter, about = dead_letter(message)
        named = _GENERATION.search(about["queue"])
        cases = MongoParked(self._database, int(named[1]) if named else self._generation)
        while True:
            try:
                await cases.keep(letter, about)
            except Exception as failure:  # noqa: BLE001 - the store is away: the message waits, unacknowledged
                log.warning("dead_letter_waits", reason=f"{type(failure).__name__}: {failure}"[:300])
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        metrics.PARKED.labels(DEAD_LETTER).inc()
        log.warning("parked", kind=DEAD_LETTER, reason=letter.reason, type=letter.type)


def dead_letter(message: AbstractIncomingMessage) -> tuple[Parked, dict[str, Any]]:
    """What is parked of a dead letter, and where it comes from: `x-death` says that, and why it died."""
    death = _first_death(message)
    queue = str(death.get("queue", "an unknown queue"))
    keys = death.get("routing-keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else message.routing_key
    reason = f"the broker gave up on it: {death.get('reason', 'unknown')} in {queue}"
    kind = message.type or key
    digest = hashlib.sha256(message.body).hexdigest()
    return Parked(digest, DEAD_LETTER, reason, message.body[:MOST_KEPT], type=kind), {"queue": queue}


def _first_death(message: AbstractIncomingMessage) -> dict[str, Any]:
    deaths: Any = (message.headers or {}).get("x-death")
    found = deaths[-1] if isinstance(deaths, list) and deaths else {}  # the newest comes first
    return found if isinstance(found, dict) else {}
