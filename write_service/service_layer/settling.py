"""Commands through transactions until each has its outcome, whatever the database says meanwhile."""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from contracts.commands import Command
from contracts.replies import Accepted, Rejected, Reply
from write_service.domain.rejections import NameTaken, Rejection
from write_service.logs import logger
from write_service.service_layer.batch import Batch
from write_service.service_layer.handlers import HANDLERS, Handler
from write_service.service_layer.journal import Watched, unwatched
from write_service.service_layer.optimism import Optimism
from write_service.service_layer.outcomes import RefusedByDatabase
from write_service.service_layer.ports import Conflicted, Optimistic, Publish, Refused, Transaction, Transactions
from write_service.service_layer.probe import takes_others
from write_service.service_layer.records import Changes
from write_service.service_layer.report import report
from write_service.service_layer.wanted import wanted_by

OK = "ok"
RERUNS = 2  # a race with another replica is over by then, so what is refused once more is refused for its data
LONGEST_PAUSE = 5.0  # seconds

# Seconds until a batch is counted and logged: that takes 0.3 ms, in which a lone command's event would wait. An orderly
# stop, with a last pass and connections to close, takes longer; what ends at once may leave its last batch unlogged.
_TOLD_AFTER = 0.01

NAMES = "companies_name"  # the constraint by which the database itself keeps names apart

log = logger(__name__)

_Done = tuple[list[Reply], Changes]


class Settling:
    """Runs one batch at a time.

    A batch that is refused for its data is run again, then halved until the culprit stands alone; that is accused only
    if the database takes others. Every other failure means that the database is away: the batch waits and is run again,
    which is safe because outcomes are kept by command id.
    """

    def __init__(
        self,
        transactions: Transactions,
        publish: Publish,
        handlers: Mapping[str, Handler] = HANDLERS,
        shortest_pause: float = 0.05,
        watched: Watched = unwatched,
    ) -> None:
        self._transactions = transactions
        self._publish = publish
        self._handlers = handlers
        self._shortest_pause = shortest_pause
        self._watched = watched
        self._optimism = Optimism()
        self._unsure: set[str] = set()  # commands that were sent to be written, and not heard of again
        self.condition = OK  # or what keeps the database from taking commands
        self._failures = 0

    async def settle(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies in the order of the commands. Returns when all outcomes are durable; raises nothing."""
        replies: dict[int, Reply] = {}
        verdicts: dict[str, Rejection] = {}
        parts = [range(len(commands))]
        while parts:
            part = parts.pop()
            try:
                settled = await self._until_committed([commands[index] for index in part], verdicts)
                replies.update(zip(part, settled, strict=True))
            except Refused as refusal:
                culprit = commands[part[0]]
                if len(part) > 1:
                    parts += [part[len(part) // 2 :], part[: len(part) // 2]]  # the first half is run first
                elif refusal.constraint == NAMES and culprit.id not in verdicts:
                    verdicts[culprit.id] = NameTaken()
                    parts.append(part)
                elif await takes_others(self._transactions):
                    self._is_well()
                    replies[part[0]] = RefusedByDatabase(culprit.id, refusal.reason)
                else:
                    parts.append(part)
                    await self._pause(refusal)
        return [replies[index] for index in range(len(commands))]

    async def _until_committed(self, commands: Sequence[Command], verdicts: Mapping[str, Rejection]) -> list[Reply]:
        refusals = 0
        while True:
            try:
                async with self._watched(commands):
                    replies = await self._transact(commands, verdicts)
            except Refused as refusal:
                refusals += 1
                log.info("batch_refused", commands=len(commands), time=refusals, reason=refusal.reason)
                if refusals > RERUNS:
                    raise
            except Conflicted as conflict:
                log.info("batch_conflicted", commands=len(commands), reason=str(conflict))
                await asyncio.sleep(random.uniform(0, self._shortest_pause))  # noqa: S311 - no secret
            except Exception as failure:  # noqa: BLE001 - whatever it was, it accuses nobody
                await self._pause(failure)
            else:
                self._is_well()
                return replies

    async def _transact(self, commands: Sequence[Command], verdicts: Mapping[str, Rejection]) -> list[Reply]:
        began = asyncio.get_running_loop().time()
        unsure = set(self._unsure)
        done = await self._without_locks(commands, verdicts) if self._optimism.suits(commands) else None
        if done is None:
            with self._known_to_be_undone():
                async with self._transactions.begin() as transaction:
                    done = await self._handled(transaction, commands, verdicts)
        replies, changes = done
        self._unsure.clear()
        self._publish(changes.outbox)
        replies = [_first_hand(reply, unsure) for reply in replies]
        loop = asyncio.get_running_loop()
        loop.call_later(_TOLD_AFTER, partial(report, commands, replies, seconds=loop.time() - began))
        return replies

    async def _without_locks(self, commands: Sequence[Command], verdicts: Mapping[str, Rejection]) -> _Done | None:
        try:
            with self._known_to_be_undone():
                async with self._transactions.optimistic() as transaction:
                    return await self._handled(transaction, commands, verdicts)
        except (Refused, Conflicted) as loss:
            # By another replica, or because its data is refused: with locks that is certain.
            self._optimism.lost()
            log.info("race_lost", commands=len(commands), reason=str(loss))
            return None

    async def _handled(
        self, transaction: Optimistic | Transaction, commands: Sequence[Command], verdicts: Mapping[str, Rejection]
    ) -> _Done:
        batch = Batch(await transaction.load(wanted_by(commands)), self._handlers, verdicts)
        replies = await batch.handle(commands)
        changes = batch.changes()
        self._unsure.update(outcome.command_id for outcome in changes.outcomes)
        await transaction.write(changes)
        return replies, changes

    @contextmanager
    def _known_to_be_undone(self) -> Iterator[None]:
        """Commands are sure again where the database says that nothing was committed."""
        unsure = set(self._unsure)
        try:
            yield
        except (Refused, Conflicted):
            self._unsure = unsure
            raise

    def _is_well(self) -> None:
        self.condition, self._failures = OK, 0

    async def _pause(self, failure: Exception) -> None:
        self.condition = f"{type(failure).__name__}: {failure}"[:500]
        pause = min(LONGEST_PAUSE, self._shortest_pause * 2.0 ** min(self._failures, 20)) * random.uniform(0.5, 1)  # noqa: S311
        self._failures += 1
        log.warning("database_away", reason=self.condition, pause=round(pause, 3))
        await asyncio.sleep(pause)


def _first_hand(reply: Reply, unsure: set[str]) -> Reply:
    # Its first run did commit, and was cut off before it could say so: to its sender this is no repeat.
    if isinstance(reply, Accepted | Rejected) and reply.repeated and reply.command_id in unsure:
        unsure.discard(reply.command_id)
        return replace(reply, repeated=False)
    return reply
