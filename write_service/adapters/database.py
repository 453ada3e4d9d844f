"""The connections to Postgres: a pool with a bound on every wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

# Every statement of this service finds its rows by key. Without these, a plan made while the tables were small, which
# reads them whole, stays with the prepared statement when they are large.
_PLANS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}


@asynccontextmanager
async def database(
    url: str,
    *,
    timeout: float,  # noqa: ASYNC109
    connections: int,
    idle: float | None = None,
) -> AsyncIterator[AsyncEngine]:
    """An engine with so many connections at most, made when they are needed; closed after the block.

    `timeout` (seconds) bounds connecting, every statement, and the wait for a connection of the pool. Of several hosts
    in the URL the one that takes writes is used. A transaction that does nothing for `idle` seconds (by default as long
    as a statement may take) is ended, and its locks with it: its process may have been frozen.
    """
    milliseconds = str(int(timeout * 1000))
    settings = {
        **_PLANS,
        "application_name": "registrar",
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": str(int((idle or timeout) * 1000)),
    }

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            url.replace("postgresql+asyncpg://", "postgresql://"),
            timeout=timeout,
            command_timeout=timeout + 1,  # for a server that answers nothing any more, its own timeouts included
            server_settings=settings,
            target_session_attrs=SessionAttribute.read_write,
        )

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout,
        pool_use_lifo=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    try:
        yield engine
    finally:
        await engine.dispose()


def _refuse_closed(adapted: Any, *_: object) -> None:
    # A server that was restarted has closed all of the pool's connections: they are made anew before they are used.
    if adapted.driver_connection.is_closed():
        raise InvalidatePoolError
