"""The composition of the half that takes events in: a queue, its consumer, the engine, the documents."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from contracts.intake import Intake
from contracts.topology import live_events
from read_service.adapters.transactions import MongoTransactions
from read_service.entrypoints.events import EventConsumer, report
from read_service.parts import Parts
from read_service.projections.engine import Engine
from read_service.projections.settling import Settling


@asynccontextmanager
async def projecting(parts: Parts) -> AsyncIterator[Engine]:
    """Have events become documents while the block runs; what was delivered is finished after it."""
    generation = parts.current.generation
    async with AsyncExitStack() as stack:
        transactions = MongoTransactions(parts.projector, generation)
        stack.push_async_callback(transactions.close)
        settling = Settling(transactions, partial(report, applied=parts.waiting.applied))
        engine = Engine(settling)
        parts.stop.background("engine", engine.run())
        intake = _intake(parts, live_events(generation).name, EventConsumer(engine))
        stack.push_async_callback(intake.close)
        await intake.start()
        stack.push_async_callback(_finish, intake)
        parts.checks["events"] = intake.is_consuming
        parts.checks["engine"] = settling.is_well
        yield engine


def _intake(parts: Parts, queue: str, consumer: EventConsumer) -> Intake:
    url, prefetch = parts.settings.amqp_url, parts.settings.event_prefetch
    return Intake(url, queue, consumer.take, prefetch=prefetch, name=f"read_service {queue}")


async def _finish(intake: Intake) -> None:
    await intake.pause()
    await intake.drained()
