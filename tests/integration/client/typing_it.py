"""Typing `registrar` commands, in a thread of the test's own process: a process each would take most of the time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from typer.testing import CliRunner

from contracts.cli import app
from contracts.failures import ClientError


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str


Registrar = Callable[..., Awaitable[Typed]]


def registrar_at(url: str) -> Registrar:
    """A function that types a command for the broker at this address."""

    async def typed(*arguments: str) -> Typed:
        found = await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"REGISTRAR_AMQP_URL": url})
        if isinstance(found.exception, ClientError):
            return Typed(3, found.stdout, f"{found.stderr}{found.exception}")  # what main() makes of it
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Typed(found.exit_code, found.stdout, found.stderr)

    return typed
