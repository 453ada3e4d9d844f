"""Reaching the servers at the start: patient with those that are just starting, clear about those that stay away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aio_pika
import structlog
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity, ProbableAuthenticationError
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed

from contracts.topology import Queue, declare
from read_service.adapters.mongo import StoreAway, is_refusal

CONNECT_SECONDS = 10
_PAUSE_SECONDS = 0.5

Reached = TypeVar("Reached")

log = structlog.get_logger()


class Unreachable(Exception):
    """A server is away, refuses, or has not been set up; the message says which and why, in one line."""


class NotSetUp(Exception):
    """The server is there; what `setup` makes on it is not."""


async def patiently(step: Callable[[], Awaitable[Reached]], server: str, within: float) -> Reached:
    """What the step returns once it succeeds. Raises Unreachable after so many seconds, at once where it is refused."""
    loop = asyncio.get_running_loop()
    end, waited = loop.time() + within, False
    while True:
        try:
            return await step()
        except (OSError, TimeoutError, AMQPError, StoreAway, NotSetUp) as failure:
            if loop.time() + _PAUSE_SECONDS > end or _refused(failure):
                raise Unreachable(f"{server}: {_one_line(failure)}") from failure
            if not waited:
                log.warning("waiting", server=server, reason=_one_line(failure), at_most=within)
            waited = True
        await asyncio.sleep(_PAUSE_SECONDS)


async def queues_stand(amqp_url: str, *names: str) -> None:
    """Look whether the broker answers and has these queues. Raises NotSetUp, AMQPError or OSError."""
    async with await aio_pika.connect(amqp_url, timeout=CONNECT_SECONDS) as connection:
        channel = await connection.channel()
        for name in names:
            try:
                await channel.declare_queue(name, passive=True)
            except ChannelNotFoundEntity:
                raise NotSetUp(f"there is no queue {name}: run read-service setup") from None


async def declare_queues(amqp_url: str, *queues: Queue) -> None:
    """Declare the exchanges and these queues; safe to repeat. Raises AMQPError or OSError."""
    async with await aio_pika.connect(amqp_url, timeout=CONNECT_SECONDS) as connection:
        await declare(await connection.channel(), *queues)


def _refused(failure: BaseException) -> bool:
    of_broker = ProbableAuthenticationError | ConnectionNotAllowed | ChannelAccessRefused
    return isinstance(failure, of_broker) or is_refusal(failure)


def _one_line(failure: BaseException) -> str:
    words = " ".join(str(failure).partition(", full error: ")[0].split()) or "no answer"
    return words if isinstance(failure, NotSetUp) else f"{type(failure).__name__}: {words[:300]}"
