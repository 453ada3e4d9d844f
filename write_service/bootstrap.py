"""The composition root: from settings to a service that runs; the same in production and in tests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.intake import Intake
from contracts.publisher import ConfirmedPublisher
from contracts.topology import WRITE_COMMANDS, WRITE_PARKED
from write_service import metrics
from write_service.adapters.broker import BrokerEventMessages
from write_service.adapters.command_log import PostgresCommandLog
from write_service.adapters.condition import PostgresCondition
from write_service.adapters.database import database
from write_service.adapters.event_log import PostgresEventLog
from write_service.adapters.outbox import PostgresOutbox
from write_service.adapters.parked import PostgresParking
from write_service.adapters.suspects import PostgresJournal
from write_service.adapters.transaction import PostgresTransactions
from write_service.crashing import dying_for
from write_service.entrypoints import health, operations
from write_service.entrypoints.commands import CommandConsumer
from write_service.entrypoints.consuming import consuming_broker, is_consuming
from write_service.entrypoints.dead_letters import DeadLetters
from write_service.entrypoints.http import served
from write_service.entrypoints.last_pass import LastPass
from write_service.entrypoints.operations import OperationsConsumer
from write_service.entrypoints.relay import Sweep
from write_service.entrypoints.replies import Replies
from write_service.entrypoints.running import Service
from write_service.entrypoints.upkeep import again, look, purge
from write_service.service_layer.group_commit import GroupCommit, lingering
from write_service.service_layer.handlers import HANDLERS, Handler
from write_service.service_layer.journal import Watch
from write_service.service_layer.knowing import reply_of
from write_service.service_layer.relay import Relay
from write_service.service_layer.settling import Settling
from write_service.service_layer.suspects import Suspects
from write_service.settings import Settings

COMMITTING = 2  # connections that only commands use, so that nothing else keeps them waiting
BESIDE = 12  # connections for all that is done beside: parking, journal, outbox, operations, health
DEAD_LETTERS_AT_ONCE = 10


@asynccontextmanager
async def service(settings: Settings, handlers: Mapping[str, Handler] = HANDLERS) -> AsyncIterator[Service]:
    """The service, answering over HTTP and not yet consuming: `start()` is next. Closed after the block."""
    if settings.crash_on_actor is not None:
        handlers = dying_for(settings.crash_on_actor, handlers)
    async with AsyncExitStack() as stack:
        commits = await stack.enter_async_context(_engine(settings, COMMITTING, settings.postgres_timeout))
        # The sweep holds its rows while it publishes them, and a suspect's run its journal.
        beside = await stack.enter_async_context(_engine(settings, BESIDE, 3 * settings.postgres_timeout))
        transactions = PostgresTransactions(commits)
        stack.push_async_callback(transactions.aclose)
        made = _service(settings, handlers, transactions, beside)
        stack.push_async_callback(made.close)
        app = health.application(made.checks, metrics.REGISTRY)
        await stack.enter_async_context(served(app, settings.http_host, settings.http_port))
        yield made


def _engine(settings: Settings, connections: int, idle: float) -> AbstractAsyncContextManager[AsyncEngine]:
    return database(settings.postgres_url, timeout=settings.postgres_timeout, connections=connections, idle=idle)


def _service(
    settings: Settings, handlers: Mapping[str, Handler], transactions: PostgresTransactions, beside: AsyncEngine
) -> Service:
    publisher, replying = _publisher(settings, "publishing"), _publisher(settings, "replying")
    messages, outbox = BrokerEventMessages(publisher, settings.publish_window), PostgresOutbox(beside)
    relay, replies, parking = Relay(messages, outbox), Replies(replying), PostgresParking(beside)
    journal = PostgresJournal(beside)
    watch = Watch(journal)
    settling = Settling(transactions, relay.offer, handlers, watched=watch.attempt)
    commit = GroupCommit(settling.settle, settings.batch_size, lingering(settings.batch_size, settings.prefetch))
    known = partial(reply_of, transactions)
    suspects = Suspects(commit.handle, journal, watch, known, settings.deaths_allowed)
    commands = _intake(
        settings, WRITE_COMMANDS.name, CommandConsumer(suspects.handle, parking, replies), settings.prefetch
    )
    metrics.IN_FLIGHT.set_function(lambda: commands.in_flight)
    dead_letters = _intake(settings, WRITE_PARKED.name, DeadLetters(parking, replies), DEAD_LETTERS_AT_ONCE)
    broker = consuming_broker(settings.amqp_url)
    operations.register(broker, OperationsConsumer(PostgresEventLog(beside), publisher, replying, parking))
    sweep = Sweep(messages, outbox, grace=settings.sweep_grace, page=settings.sweep_page)

    async def postgres() -> str:
        return settling.condition if settling.condition != health.OK else await PostgresCondition(beside).asked()

    async def publishing() -> str:
        if not publisher.is_connected:
            return "the publishing connection is down"
        return f"nothing was confirmed for {messages.stalled_for:.0f} s" if messages.stalled_for else health.OK

    async def replies_connected() -> str:
        return health.OK if replying.is_connected else "the connection of the replies is down"

    async def forget() -> None:
        for table in (PostgresCommandLog(beside), parking):
            await purge(table, settings.rejections_kept)

    return Service(
        publishers=[publisher, replying],
        intakes=[dead_letters, commands],  # commands last: nothing is taken before all else stands
        broker=broker,
        draining=[replies.drained, relay.drained],
        last=LastPass(sweep, messages, outbox).run,
        running={
            "commit": commit.run,
            "sweep": partial(sweep.run, settings.sweep_every),
            "look": partial(again, "look", partial(look, outbox, parking), settings.look_every),
            "purge": partial(again, "purge", forget, settings.purge_every),
        },
        settle=journal.settle,
        checks={
            "postgres": postgres,
            "commands": commands.is_consuming,
            "dead_letters": dead_letters.is_consuming,
            "operations": partial(is_consuming, broker),
            "publishing": publishing,
            "replies": replies_connected,
        },
    )


def _publisher(settings: Settings, name: str) -> ConfirmedPublisher:
    return ConfirmedPublisher(settings.amqp_url, name=f"write_service {name}", confirm_timeout=settings.confirm_timeout)


def _intake(settings: Settings, queue: str, consumer: CommandConsumer | DeadLetters, prefetch: int) -> Intake:
    return Intake(settings.amqp_url, queue, consumer.take, prefetch=prefetch, name=f"write_service consuming {queue}")
