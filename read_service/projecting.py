"""The composition of the half that takes events in: a queue, its consumer, the engine, the documents."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from contracts.intake import Intake
from contracts.topology import READ_PARKED, live_events
from read_service.adapters.transactions import MongoTransactions
from read_service.entrypoints.dead_letters import DeadLetters
from read_service.entrypoints.events import EventConsumer, report
from read_service.parts import Parts
from read_service.projections.engine import Engine, lingering
from read_service.projections.lanes import Lanes
from read_service.projections.settling import Settling
from read_service.repairing import Pace, finish, repairing

LANES = 2  # the database works on one half of a large batch while the service plans the other


@asynccontextmanager
async def projecting(parts: Parts) -> AsyncIterator[Engine]:
    """Have events become documents while the block runs; what was delivered is finished after it."""
    generation = parts.current.generation
    async with AsyncExitStack() as stack:
        lanes = Lanes([_lane(parts, generation, lane, stack) for lane in range(LANES)])
        prefetch = parts.settings.event_prefetch
        engine = Engine(lanes, most_held=prefetch // 2, linger=lingering(prefetch))
        parts.stop.background("engine", engine.run())
        intake = _intake(parts, live_events(generation).name, EventConsumer(engine))
        stack.push_async_callback(intake.close)
        await intake.start()
        stack.push_async_callback(finish, intake)
        parts.checks["events"] = intake.is_consuming
        parts.checks["engine"] = lanes.is_well
        await stack.enter_async_context(_completing(parts, engine, generation, intake))
        stack.push_async_callback(intake.pause)  # first of all: whatever takes long to stop, nothing new is taken
        yield engine


def _lane(parts: Parts, generation: int, lane: int, stack: AsyncExitStack) -> Settling:
    transactions = MongoTransactions(parts.projector, generation, lane)
    stack.push_async_callback(transactions.close)
    return Settling(transactions, partial(report, applied=parts.waiting.applied))


@asynccontextmanager
async def _completing(parts: Parts, engine: Engine, generation: int, live: Intake) -> AsyncIterator[None]:
    """Have what is missing sent again, and take the broker's dead letters into custody."""
    settings = parts.settings
    pace = Pace(
        moment=settings.gap_moment,
        heads=settings.heads_every,
        overlap=settings.heads_overlap,
        walk=settings.heads_walk_every,
    )
    async with AsyncExitStack() as stack:
        letters = DeadLetters(parts.projector, generation)
        burying = Intake(settings.amqp_url, READ_PARKED.name, letters.take, prefetch=10, name="read_service parked")
        stack.push_async_callback(burying.close)
        await burying.start()
        stack.push_async_callback(finish, burying)
        repairs = await stack.enter_async_context(
            repairing(
                settings.amqp_url,
                parts.projector,
                generation,
                engine,
                parts.wants,
                prefetch=settings.event_prefetch,
                pace=pace,
                in_flight=lambda: live.in_flight,
            )
        )
        parts.checks["repairs"] = repairs.is_consuming
        yield


def _intake(parts: Parts, queue: str, consumer: EventConsumer) -> Intake:
    url, prefetch = parts.settings.amqp_url, parts.settings.event_prefetch
    return Intake(url, queue, consumer.take, prefetch=prefetch, name=f"read_service {queue}")
