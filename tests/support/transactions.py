"""Transactions that stay open while a test does other things."""

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from read_service.projections.planning import Plan, Position
from read_service.projections.ports import Transaction, Transactions

T = TypeVar("T")

_LONGEST_STEP = 60.0  # seconds


class _Undone(Exception):
    """The block ended with an exception of its own."""


class Opened:
    """A transaction that takes one step after the other."""

    def __init__(self) -> None:
        self._steps: queue.SimpleQueue[Callable[[Transaction], bool]] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self.running: asyncio.Task[None] | None = None
        self.began = asyncio.Event()

    def body(self, transaction: Transaction) -> None:
        """What runs in the transaction's thread."""
        self._loop.call_soon_threadsafe(self.began.set)
        while self._steps.get(timeout=_LONGEST_STEP)(transaction):
            pass

    async def positions(self, company_ids: Iterable[str]) -> Mapping[str, Position]:
        return await self._step(lambda transaction: transaction.positions(company_ids))

    async def write(self, plan: Plan) -> None:
        await self._step(lambda transaction: transaction.write(plan))

    def commit(self) -> None:
        self._steps.put(lambda _: False)

    def undo(self) -> None:
        def raising(_: Transaction) -> bool:
            raise _Undone

        self._steps.put(raising)

    async def _step(self, call: Callable[[Transaction], T]) -> T:
        done: asyncio.Future[T] = self._loop.create_future()

        def step(transaction: Transaction) -> bool:
            try:
                self._loop.call_soon_threadsafe(done.set_result, call(transaction))
            except BaseException as failure:
                self._loop.call_soon_threadsafe(done.set_exception, failure)
                raise
            return True

        self._steps.put(step)
        assert self.running is not None
        both: list[asyncio.Future[Any]] = [done, self.running]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            await self.running  # raises what ended it
            raise AssertionError("the transaction ended before this step")
        return done.result()


@asynccontextmanager
async def opened(transactions: Transactions) -> AsyncIterator[Opened]:
    """A transaction that is committed at the end of the block, and undone by an exception; raises what it raises."""
    made = Opened()
    made.running = running = asyncio.create_task(transactions.run(made.body))
    beginning = asyncio.create_task(made.began.wait())
    await asyncio.wait([running, beginning], return_when=asyncio.FIRST_COMPLETED)
    beginning.cancel()
    try:
        yield made
    except BaseException as own:
        made.undo()
        await asyncio.wait([running])
        if not isinstance(failure := running.exception(), _Undone):
            raise failure or AssertionError("it was committed all the same") from own
        raise
    made.commit()
    await running
