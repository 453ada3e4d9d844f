"""Works through transactions until they are committed, whatever the database says meanwhile."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from read_service import metrics
from read_service.projections.isolating import condemned, condemned_stored, first_stored, parts_of
from read_service.projections.planning import Plan, Position, Stored, plan, wants_stored
from read_service.projections.ports import Clashed, Conflicted, RefusedData, Transaction, Transactions
from read_service.projections.reading import Work

OK = "ok"
_LONGEST_CONFLICT_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds
_SHORTEST_PAUSE = 0.005

# Two replicas that make the same position or counter clash once, and then see it. What clashes so often lies in the
# data: an entry that is there already, though the position does not say so.
MOST_CLASHES = 20

# Seconds without an end, of a batch or of a part that is tried apart, that are told whatever it is: one conflict after
# the other, a commit of which nobody knows whether it has happened, a server that does not answer.
LONG_BATCH = 10.0

Look = Callable[[Mapping[str, Stored]], Mapping[str, Stored]]

log = structlog.get_logger()


class Settling:
    """Runs one batch at a time.

    A batch that meets another replica's is run again. One that is refused for its data, or that clashes again and again
    with what is there, is halved until the culprit stands alone; that is parked, and its position passes it. Every
    other failure means that the database is away: the batch waits and is run again, which is safe because positions
    say what was applied.
    """

    def __init__(self, transactions: Transactions, committed: Callable[[Plan], None]) -> None:
        self._transactions = transactions
        self._committed = committed
        self._failure = OK
        self._met = ""
        self._since: float | None = None

    @property
    def condition(self) -> str:
        """`ok`, or what keeps the database from taking events."""
        if self._failure == OK and self._since is not None:
            seconds = asyncio.get_running_loop().time() - self._since
            if seconds >= LONG_BATCH:
                return f"a batch has been under way for {seconds:.0f} seconds{self._met}"
        return self._failure

    async def is_well(self) -> str:
        """A health check: `ok`, or what keeps the database from taking events."""
        return self.condition

    async def __call__(self, work: Sequence[Work], patient: frozenset[int], /) -> Plan:
        """What was committed; of a batch that was halved, the sum."""
        try:
            return await self._until_committed(work, patient)
        except RefusedData as refusal:
            log.warning("batch_refused", events=sum(one.count for one in work), reason=str(refusal)[:500])
            return await self._halved(work)

    async def _halved(self, work: Sequence[Work]) -> Plan:
        parts = parts_of(work)
        if len(parts) == 1:
            return await self._alone(parts[0])
        whole = Plan()
        for part in parts:
            made = await self([part], frozenset())
            whole.unfinished += made.unfinished
            whole.store += made.store
        return whole

    async def _alone(self, work: Work) -> Plan:
        """One event, or the first of those stored of one company: what is stored after it is not its fault."""
        look = partial(first_stored, most=0 if work.count else 1)
        try:
            return await self._until_committed([work], frozenset(), look)
        except RefusedData as refusal:
            reason = str(refusal)
            guilty = condemned(work, reason)
            return await self._until_committed([guilty], frozenset(), lambda seen: condemned_stored(look(seen), reason))

    async def _until_committed(self, work: Sequence[Work], patient: frozenset[int], look: Look | None = None) -> Plan:
        conflicts = clashes = failures = 0
        now = asyncio.get_running_loop().time
        self._since = began = now()
        self._met = ""
        while True:
            try:
                made = await transact(self._transactions, work, patient, look)
            except RefusedData:
                raise
            except Conflicted as conflict:
                conflicts += 1
                clashes += isinstance(conflict, Clashed)
                if clashes == MOST_CLASHES:
                    raise RefusedData(f"it clashed {clashes} times: {conflict}") from conflict
                await self._give_way(conflict, conflicts)
            except Exception as failure:  # noqa: BLE001 - whatever it was, it accuses nobody
                failures += 1
                metrics.RETRIES.labels("away").inc()
                await self._pause(failure, failures)
            else:
                self._failure, self._since = OK, None
                metrics.TRANSACTION_SECONDS.observe(now() - began)
                self._committed(made)
                return made

    async def _give_way(self, conflict: Conflicted, conflicts: int) -> None:
        metrics.RETRIES.labels("conflict").inc()
        self._met = f", {conflicts} conflicts: {conflict}"[:500]
        await asyncio.sleep(random.uniform(0, min(_LONGEST_CONFLICT_PAUSE, _SHORTEST_PAUSE * conflicts)))  # noqa: S311

    async def _pause(self, failure: Exception, failures: int) -> None:
        self._failure = f"{type(failure).__name__}: {failure}"[:500]
        pause = longest_pause(failures) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        log.warning("documents_away", reason=self._failure, pause=round(pause, 3))
        await asyncio.sleep(pause)


def longest_pause(failures: int) -> float:
    """How long to wait at most after so many failures in a row, in seconds; an outage may last for days."""
    return min(_LONGEST_PAUSE, 0.05 * 2.0 ** min(failures, 20))


async def transact(
    transactions: Transactions, work: Sequence[Work], patient: frozenset[int], look: Look | None = None
) -> Plan:
    """One transaction: read the positions, plan, write. Raises what the transactions raise.

    `look` makes something else of the stored events that are found.
    """
    named = {change.subject for one in work for change in one.changes}
    named.update(company_id for one in work for company_id in one.drain)

    def body(transaction: Transaction) -> Plan:
        positions = transaction.positions(named) if named else {}
        closing = wants_stored(work, positions)
        stored = transaction.stored(closing) if closing else {}
        if look is not None:
            stored = look(stored)
        transaction.write(made := _planned(work, positions, stored, patient))
        return made

    return await transactions.run(body)


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
