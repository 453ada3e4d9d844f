"""The consumer of events: from a message to the engine, acknowledged when its events are in durable hands."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from aio_pika.abc import AbstractIncomingMessage

from contracts.events import CompanyEvent
from read_service import metrics
from read_service.projections.engine import Engine
from read_service.projections.planning import Plan
from read_service.projections.reading import read_event_message

log = structlog.get_logger()


class EventConsumer:
    """Deals with one event message at a time, many at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged; raises only CancelledError, and it may not."""
        # By the property, not the routing key: what is asked for again comes through the default exchange.
        await self._engine.apply(read_event_message(message.body, message.type or message.routing_key or ""))


def report(plan: Plan, applied: Callable[[Mapping[str, int]], None]) -> None:
    """Tell of a committed transaction: those who wait for versions, the metrics, the log."""
    versions = {company_id: position.version for company_id, position in plan.positions.items()}
    if versions:
        applied(versions)
    metrics.DUPLICATES.inc(plan.duplicates)
    metrics.EARLY.inc(len(plan.store))
    if plan.applied:
        metrics.EVENT_BATCH.observe(len(plan.applied))
    read = [change for change in plan.applied if isinstance(change, CompanyEvent)]
    for kind, count in Counter(event.type for event in read).items():
        metrics.EVENTS.labels(kind).inc(count)
    now = time.time()
    for moment, count in Counter(event.time for event in read).items():  # one time for all the events of a commit
        seconds = max(0.0, now - _seconds(moment))
        for _ in range(count):
            metrics.VISIBILITY_SECONDS.observe(seconds)
    for parked in plan.parked:
        metrics.PARKED.labels(parked.kind).inc()
        log.warning(
            "parked",
            kind=parked.kind,
            reason=parked.reason[:500],
            company_id=parked.company_id,
            version=parked.version,
            type=parked.type,
        )
    if plan.applied or plan.store:
        log.info("applied", events=len(plan.applied), early=len(plan.store), duplicates=plan.duplicates)


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return time.time()  # the time of an event is not ours to judge
