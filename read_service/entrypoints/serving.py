"""An HTTP server inside the service's own loop, which leaves signals to the service."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # SIGTERM drains the whole service; uvicorn would take the signal for itself alone


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises OSError when it cannot be had."""
    # Bound here: uvicorn answers a port that is taken with sys.exit() in the middle of the loop.
    on = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024)
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, which these do not, and without
    # it the body of an answer waits 40 ms for the acknowledgement of its head.
    on.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return on


@contextlib.asynccontextmanager
async def served(app: ASGIApp, on: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve the application while the block runs; what is being answered at its end is finished, within a bound.

    Gives the task that serves.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[on]), name="http")
    try:
        yield running
    finally:
        server.should_exit = True
        await running
