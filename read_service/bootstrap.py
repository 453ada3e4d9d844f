"""The composition root: from settings to a service that runs; the same in production and in tests."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from contracts.topology import FIRST_GENERATION, READ_QUERIES, READ_QUEUES
from read_service.adapters.generations import FIRST, make_generation, point_to_first
from read_service.adapters.mongo import Database, connected
from read_service.entrypoints.auth import auth_of
from read_service.entrypoints.consuming import consuming_broker, is_consuming, stop_consuming
from read_service.entrypoints.docs import add_docs
from read_service.entrypoints.health import OK, Check, add_health
from read_service.entrypoints.http import build
from read_service.entrypoints.reaching import NotSetUp, declare_queues, patiently, queues_stand
from read_service.entrypoints.replies import Replies
from read_service.entrypoints.rpc import Rpc, register
from read_service.entrypoints.serving import listening, served
from read_service.entrypoints.stopping import Stop
from read_service.parts import Parts
from read_service.projecting import projecting
from read_service.settings import Settings, SetupSettings
from read_service.verification.noticing import Wants
from read_service.views.answers import Answers
from read_service.views.current import Current
from read_service.views.tokens import versions_of
from read_service.views.waiting import Waiting

SETUP_SECONDS = 60  # servers that are just starting are waited for so long
START_SECONDS = 15

log = structlog.get_logger()


async def serve(settings: Settings, stop: Stop) -> None:
    """Serve until asked to stop, then finish what is under way.

    Raises OpenToOthers, InvalidSettings or OSError for an address that cannot be served; Unreachable; Died.
    """
    auth = auth_of(settings)
    async with AsyncExitStack() as stack:
        on = stack.enter_context(listening(settings.http_host, settings.http_port))
        parts = await _parts(settings, stop, stack)
        answers = Answers(parts.current.documents, parts.waiting, _read_seconds(settings))
        app = build(answers, auth)
        started = asyncio.Event()
        parts.checks["start"] = partial(_is_over, started)
        add_health(app, parts.checks)
        add_docs(app)
        stop.watch(await stack.enter_async_context(served(app, on)))
        stack.push_async_callback(stop.end_background)
        await stop.unless(_start(parts, answers, stack))
        started.set()
        await stop.asked()
        log.info("draining")
    stop.finished()


async def _parts(settings: Settings, stop: Stop, stack: AsyncExitStack) -> Parts:
    projector = await stack.enter_async_context(connected(settings.mongo_url, name="read_service projector"))
    limit = _read_seconds(settings)
    views = await stack.enter_async_context(
        connected(settings.mongo_views_url, name="read_service views", timeout=limit, answer_timeout=limit)
    )
    current = Current(views, settings.query_time_limit_ms)

    async def read_versions(companies: Iterable[str]) -> Mapping[str, int]:
        return await versions_of(current.documents(), companies)

    wants = Wants(settings.gap_moment / 2)

    def wanted(company_id: str, version: int) -> None:
        wants.want(company_id, version, asyncio.get_running_loop().time())

    waiting = Waiting(read_versions, wanted, limit=settings.waiters, poll_seconds=settings.positions_poll_ms / 1000)
    checks: dict[str, Check] = {
        "documents": partial(_answers, views),
        "projector": partial(_answers, projector),
        "generation": partial(_is_known, current),
    }
    return Parts(settings, stop, projector, views, current, waiting, wants, checks)


async def _start(parts: Parts, answers: Answers, stack: AsyncExitStack) -> None:
    """Reach the servers, then let work come. The last to be started is the first to be stopped."""
    settings, stop = parts.settings, parts.stop
    await patiently(partial(queues_stand, settings.amqp_url, READ_QUERIES.name), "the broker", START_SECONDS)
    await patiently(partial(_look, parts.current), "the documents", START_SECONDS)
    stop.background("follow the generation", parts.current.follow())
    stop.background("follow positions", parts.waiting.follow())
    await stack.enter_async_context(projecting(parts))
    await stack.enter_async_context(_answer_the_bus(parts, answers))
    stack.callback(parts.waiting.stop)
    log.info("started", http=f"{settings.http_host}:{settings.http_port}")


@asynccontextmanager
async def _answer_the_bus(parts: Parts, answers: Answers) -> AsyncIterator[None]:
    settings = parts.settings
    replies, broker = Replies(settings.amqp_url), consuming_broker(settings.amqp_url)
    async with AsyncExitStack() as stack:
        await replies.connect()
        stack.push_async_callback(replies.close)
        register(broker, Rpc(answers, replies, in_flight=settings.queries_in_flight), prefetch=settings.query_prefetch)
        stack.push_async_callback(broker.stop)
        await broker.start()
        stack.push_async_callback(stop_consuming, broker)
        parts.checks.update(queries=partial(is_consuming, broker), replies=replies.is_connected)
        yield


async def set_up(settings: SetupSettings) -> int:
    """Declare the queues, make the first generation of documents; the generation that is active. Safe to repeat.

    Raises Unreachable.
    """
    queues = (*READ_QUEUES, *FIRST_GENERATION)
    declaring = patiently(partial(declare_queues, settings.amqp_url, *queues), "the broker", SETUP_SECONDS)
    async with connected(settings.mongo_url, name="read_service setup", timeout=5) as database:
        making = patiently(partial(_make_documents, database, settings.outcomes_kept), "MongoDB", SETUP_SECONDS)
        _, active = await asyncio.gather(declaring, making)
    return active


async def _make_documents(database: Database, outcomes_kept: float) -> int:
    await make_generation(database, FIRST, outcomes_kept)
    return await point_to_first(database)


def _read_seconds(settings: Settings) -> float:
    return settings.query_time_limit_ms / 1000 + 2


async def _look(current: Current) -> None:
    if await current.look() is None:
        raise NotSetUp("there are none yet: run read-service setup")


async def _answers(database: Database) -> str:
    await database.command("ping")
    return OK


async def _is_over(started: asyncio.Event) -> str:
    return OK if started.is_set() else "the service is starting"


async def _is_known(current: Current) -> str:
    current.documents()
    return OK
