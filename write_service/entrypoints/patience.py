"""Servers that are just starting: tried again for a bounded time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)

PAUSE_SECONDS = 0.25

# Their answer would stay the same, however long one waits.
_FINAL = (
    AuthenticationError,
    ProbableAuthenticationError,
    ChannelPreconditionFailed,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
# CannotConnectNow is what Postgres says while it starts; a queue that is not there may be in the making.
_PASSING = (OSError, TimeoutError, AMQPError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)

Answer = TypeVar("Answer")


class Unreachable(Exception):
    """A server did not answer in time, or refuses us; the message says which and why, in one line."""


async def patiently(what: str, attempt: Callable[[], Awaitable[Answer]], within: float) -> Answer:
    """What the attempt returns, as soon as it succeeds. Raises Unreachable after so many seconds."""
    end = time.monotonic() + within
    while True:
        try:
            return await attempt()
        except _FINAL as failure:
            raise Unreachable(f"{what}: {said(failure)}") from failure
        except _PASSING as failure:
            if time.monotonic() >= end:
                raise Unreachable(f"{what} is not reachable: {said(failure)}") from failure
        await asyncio.sleep(PAUSE_SECONDS)


def said(failure: BaseException) -> str:
    """One line for a person."""
    return " ".join(f"{type(failure).__name__}: {failure}".split())[:300]
