"""A pipeline on a real database, as one replica of the service has it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.commands import Command
from contracts.replies import Reply
from write_service.adapters.transaction import PostgresTransaction, PostgresTransactions
from write_service.service_layer.group_commit import GroupCommit, lingering
from write_service.service_layer.handlers import HANDLERS, Handler
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.ports import Refused
from write_service.service_layer.settling import Settling


class Counting(PostgresTransactions):
    """Transactions that remember why they were refused."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.refusals: list[Refused] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        try:
            async with super().begin() as transaction:
                yield transaction
        except Refused as refusal:
            self.refusals.append(refusal)
            raise


class Pipeline:
    """Handles commands; remembers what it would have published."""

    def __init__(self, engine: AsyncEngine, handlers: Mapping[str, Handler]) -> None:
        self.published: list[Unpublished] = []
        self.transactions = Counting(engine)
        self.settling = Settling(self.transactions, self.published.extend, handlers)
        self.commit = GroupCommit(self.settling.settle, max_batch=500, linger=lingering(500, 200))

    async def handle(self, *commands: Command) -> list[Reply]:
        """The replies to these commands, sent as one message."""
        async with asyncio.timeout(30):
            return await self.commit.handle(commands)


@asynccontextmanager
async def pipeline(engine: AsyncEngine, handlers: Mapping[str, Handler] = HANDLERS) -> AsyncIterator[Pipeline]:
    """A pipeline that runs while the block does."""
    made = Pipeline(engine, handlers)
    running = asyncio.create_task(made.commit.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])
        await made.transactions.aclose()


@asynccontextmanager
async def one_transaction(engine: AsyncEngine) -> AsyncIterator[PostgresTransaction]:
    """A transaction like those of a pipeline; its connection is given back after it."""
    async with aclosing(PostgresTransactions(engine)) as transactions, transactions.begin() as transaction:
        yield transaction
