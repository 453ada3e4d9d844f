"""What is done again and again beside the commands: looking at what waits, forgetting what is old."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.outbox import Outbox

STEP = 1_000  # rows forgotten in one transaction
BETWEEN_STEPS = 0.1  # seconds in which commands have the disk to themselves

log = logger(__name__)


class Purged(Protocol):
    """A table from which old rows are forgotten."""

    async def purge(self, older_than: float, limit: int) -> int:
        """Forget at most so many rows of at least that age in seconds; how many there were."""


class Custody(Protocol):
    """The messages in custody."""

    async def open_rows(self) -> int:
        """How many wait for a person."""


async def again(what: str, step: Callable[[], Awaitable[None]], every: float) -> None:
    """Do this step at once and then again and again. A step that fails is logged, and is no reason to end."""
    while True:
        try:
            await step()
        except Exception as failure:  # noqa: BLE001 - most likely Postgres is away: the next pass will do
            log.warning("upkeep_failed", step=what, reason=f"{type(failure).__name__}: {failure}")
        await asyncio.sleep(every)


async def look(outbox: Outbox, custody: Custody) -> None:
    """Measure what waits in the outbox and in custody."""
    depth = await outbox.depth()
    metrics.OUTBOX_ROWS.set(depth.rows)
    metrics.OUTBOX_OLDEST.set(depth.oldest)
    metrics.PARKED_ROWS.set(await custody.open_rows())


async def purge(table: Purged, older_than: float) -> int:
    """Forget all rows of at least that age, in small steps; how many there were."""
    total = 0
    while found := await table.purge(older_than, STEP):
        total += found
        metrics.PURGED.inc(found)
        if found < STEP:
            break
        await asyncio.sleep(BETWEEN_STEPS)
    if total:
        log.info("purged", table=type(table).__name__, rows=total)
    return total
