"""All that keeps a generation complete, put together: the looks, the answers, and what is measured of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

import structlog

from contracts.intake import Intake
from contracts.topology import READ_PARKED, live_events, repairs
from read_service import metrics
from read_service.adapters.claims import MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.adapters.mongo import Database
from read_service.entrypoints.asking import WriteService
from read_service.entrypoints.depths import Depths
from read_service.entrypoints.events import EventConsumer
from read_service.entrypoints.heads import MOST_UNDER_WAY, HeadsLook
from read_service.entrypoints.repair import MOMENT, Repair
from read_service.projections.engine import Engine
from read_service.verification.noticing import Wants

_LONGEST_PAUSE = 30.0
_END_SECONDS = 5.0

log = structlog.get_logger()


class Pace(NamedTuple):
    """How often is looked for what is missing, in seconds."""

    look: float = 0.5
    quiet: float = 3.0  # without a look while nothing comes early
    moment: float = MOMENT
    heads: float = 5.0
    overlap: float = 30.0
    walk: float = 3600.0
    first_pause: float = 2.0


@asynccontextmanager
async def repairing(
    amqp_url: str,
    database: Database,
    generation: int,
    engine: Engine,
    wants: Wants,
    *,
    prefetch: int,
    pace: Pace,
    in_flight: Callable[[], int] = lambda: 0,
) -> AsyncIterator[Intake]:
    """Keep this generation complete while the block runs. Gives the intake of what was sent again.

    `prefetch` is that of the live events: half of it is what the engine holds at most, of both together.
    `in_flight` tells how many live messages this replica has taken and not finished.
    Raises AMQPError or OSError where the queue of repairs cannot be consumed; later losses mend themselves.
    """
    gaps = MongoGaps(database, generation)
    claims = MongoClaims(database, generation, first_pause=pace.first_pause)
    live, asked = live_events(generation).name, repairs(generation).name
    async with AsyncExitStack() as stack:
        write_service = await stack.enter_async_context(WriteService(amqp_url, name="read_service asking"))
        depths = Depths(amqp_url)
        stack.push_async_callback(depths.close)
        intake = Intake(amqp_url, asked, EventConsumer(engine).take, prefetch=prefetch, name="read_service repairs")
        stack.push_async_callback(intake.close)
        await intake.start()
        stack.push_async_callback(finish, intake)
        repair = Repair(
            gaps,
            claims,
            write_service,
            engine.drain,
            wants,
            generation=generation,
            moment=pace.moment,
            is_busy=lambda: in_flight() > MOST_UNDER_WAY,
            quiet=pace.quiet,
            stored=lambda: engine.stored,
        )

        async def under_way() -> int:
            return await depths.of(live) + in_flight()

        heads = HeadsLook(
            gaps,
            claims,
            write_service,
            repair,
            under_way,
            every=pace.heads,
            overlap=pace.overlap,
            walk_every=pace.walk,
            moment=1.5 * pace.moment,
        )
        steps: dict[str, tuple[Callable[[], Awaitable[None]], float]] = {
            "look for gaps": (repair.look, pace.look),
            "compare heads": (heads.look, pace.heads / 3),
            "measure": (partial(measure, gaps, claims, depths, (live, asked, READ_PARKED.name)), 20 * pace.look),
        }
        tasks = [asyncio.create_task(again(name, *step), name=name) for name, step in steps.items()]
        stack.push_async_callback(_ended, tasks)
        yield intake


async def measure(gaps: MongoGaps, claims: MongoClaims, depths: Depths, queues: tuple[str, ...]) -> None:
    """One look at what waits, and at what cannot be repaired. Raises StoreAway, AMQPError or OSError."""
    metrics.UNREPAIRABLE.set(await claims.tidy())
    waiting = await gaps.waiting()
    metrics.AHEAD.set(waiting.early)
    metrics.PARKED_OPEN.set(waiting.parked)
    for queue in queues:
        metrics.QUEUE_DEPTH.labels(queue).set(await depths.of(queue))


async def again(name: str, step: Callable[[], Awaitable[None]], every: float) -> None:
    """Do this step again and again; one that fails is logged, and the next comes later."""
    failures = 0
    while True:
        try:
            await step()
            failures = 0
        except Exception as failure:  # noqa: BLE001 - a store or the write service is away: nothing is lost by waiting
            failures += 1
            log.warning("upkeep_failed", step=name, reason=f"{type(failure).__name__}: {failure}"[:300])
        await asyncio.sleep(min(every * 2 ** min(failures, 10), max(every, _LONGEST_PAUSE)))


async def finish(intake: Intake) -> None:
    """Take nothing new, and finish what was delivered."""
    await intake.pause()
    await intake.drained()


async def _ended(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    # Bounded: a library that is cancelled in the middle of something may wait for an answer that does not come.
    await asyncio.wait(tasks, timeout=_END_SECONDS)
