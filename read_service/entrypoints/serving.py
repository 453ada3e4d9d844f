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
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024)


@contextlib.asynccontextmanager
async def served(app: ASGIApp, on: socket.socket) -> AsyncIterator[None]:
    """Serve the application while the block runs; what is being answered at its end is finished, within a bound."""
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
        yield
    finally:
        server.should_exit = True
        await running
