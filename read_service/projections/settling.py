"""Works through transactions until they are committed, whatever the database says meanwhile."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

import structlog

from contracts.events import CompanyEvent, Outcome
from read_service import metrics
from read_service.projections.planning import Plan, Position, Stored, plan, wants_stored
from read_service.projections.ports import Conflicted, RefusedData, Transactions
from read_service.projections.reading import REFUSED, Parked, Unreadable, Work

OK = "ok"
_LONGEST_CONFLICT_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds
_SHORTEST_PAUSE = 0.005

log = structlog.get_logger()


class Settling:
    """Runs one batch at a time.

    A batch that meets another replica's is run again. One that is refused for its data is halved until the culprit
    stands alone; that is parked, and its position passes it. Every other failure means that the database is away: the
    batch waits and is run again, which is safe because positions say what was applied.
    """

    def __init__(self, transactions: Transactions, committed: Callable[[Plan], None]) -> None:
        self._transactions = transactions
        self._committed = committed
        self.condition = OK  # or what keeps the database from taking events

    async def is_well(self) -> str:
        """A health check: `ok`, or what keeps the database from taking events."""
        return self.condition

    async def __call__(self, work: Sequence[Work], patient: frozenset[int], /) -> Plan:
        """What was committed; of a batch that was halved, the sum."""
        try:
            return await self._until_committed(work, patient)
        except RefusedData as refusal:
            log.warning("batch_refused", events=sum(one.count for one in work), reason=str(refusal)[:500])
            return await self._halved(work, refusal)

    async def _halved(self, work: Sequence[Work], refusal: RefusedData) -> Plan:
        first, second = _halves(work)
        if not second.count:
            return await self._until_committed([_condemned(first, str(refusal))], frozenset())
        made, last = await self([first], frozenset()), await self([second], frozenset())
        last.unfinished += made.unfinished
        return last

    async def _until_committed(self, work: Sequence[Work], patient: frozenset[int]) -> Plan:
        conflicts = failures = 0
        began = asyncio.get_running_loop().time()
        while True:
            try:
                made = await transact(self._transactions, work, patient)
            except RefusedData:
                raise
            except Conflicted:
                conflicts += 1
                metrics.RETRIES.labels("conflict").inc()
                await asyncio.sleep(random.uniform(0, min(_LONGEST_CONFLICT_PAUSE, _SHORTEST_PAUSE * conflicts)))  # noqa: S311
            except Exception as failure:  # noqa: BLE001 - whatever it was, it accuses nobody
                failures += 1
                metrics.RETRIES.labels("away").inc()
                await self._pause(failure, failures)
            else:
                self.condition = OK
                metrics.TRANSACTION_SECONDS.observe(asyncio.get_running_loop().time() - began)
                self._committed(made)
                return made

    async def _pause(self, failure: Exception, failures: int) -> None:
        self.condition = f"{type(failure).__name__}: {failure}"[:500]
        pause = min(_LONGEST_PAUSE, 0.05 * 2**failures) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        log.warning("documents_away", reason=self.condition, pause=round(pause, 3))
        await asyncio.sleep(pause)


async def transact(transactions: Transactions, work: Sequence[Work], patient: frozenset[int]) -> Plan:
    """One transaction: read the positions, plan, write. Raises what the transactions raise."""
    named = {change.subject for one in work for change in one.changes}
    named.update(company_id for one in work for company_id in one.drain)
    async with transactions.begin() as transaction:
        positions = await transaction.positions(named) if named else {}
        closing = wants_stored(work, positions)
        stored = await transaction.stored(closing) if closing else {}
        await transaction.write(made := _planned(work, positions, stored, patient))
    return made


def _planned(
    work: Sequence[Work],
    positions: Mapping[str, Position],
    stored: Mapping[str, Stored],
    patient: frozenset[int],
) -> Plan:
    try:
        return plan(work, positions, stored, patient)
    except Exception as failure:
        # A projection cannot deal with one of these events, today or ever: that is no reason to wait for the database.
        raise RefusedData(f"{type(failure).__name__}: {failure}") from failure


def _halves(work: Sequence[Work]) -> tuple[Work, Work]:
    """The same in two parts, in order; the second is empty where there is one event alone."""
    changes = sorted((change for one in work for change in one.changes), key=lambda change: change.version)
    outcomes = [outcome for one in work for outcome in one.outcomes]
    parked = [parked for one in work for parked in one.parked]
    drain = [company_id for one in work for company_id in one.drain]
    everything = [*changes, *outcomes, *parked]
    half = (len(everything) + 1) // 2
    return _gathered(everything[:half], drain), _gathered(everything[half:], ())


def _gathered(parts: Sequence[CompanyEvent | Unreadable | Outcome | Parked], drain: Sequence[str]) -> Work:
    return Work(
        changes=[part for part in parts if isinstance(part, CompanyEvent | Unreadable)],
        outcomes=[part for part in parts if isinstance(part, Outcome)],
        parked=[part for part in parts if isinstance(part, Parked)],
        drain=drain,
    )


def _condemned(work: Work, reason: str) -> Work:
    """The one event of this work as parked; a version of a company is passed, and remembered as skipped."""
    changes = [
        Unreadable(change.subject, change.version, _refused(change, reason, change.version))
        for change in work.changes
        if isinstance(change, CompanyEvent)
    ]
    return Work(changes=[*changes], parked=[_refused(outcome, reason, None) for outcome in work.outcomes])


def _refused(event: CompanyEvent | Outcome, reason: str, version: int | None) -> Parked:
    body = event.model_dump_json().encode()
    return Parked(event.id, REFUSED, reason[:1000], body, event.subject, version, event.type)
