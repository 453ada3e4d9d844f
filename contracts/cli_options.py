"""What the commands of `registrar` have in common: options, the broker's address, exit codes, where they write."""

import enum
import sys
from typing import Annotated, NoReturn

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

_WIDTH_OF_A_PIPE = 200  # enough for a page of companies; a terminal says its own

AmqpUrl = Annotated[
    str | None, typer.Option("--amqp-url", help="Where the broker is; otherwise the variable REGISTRAR_AMQP_URL.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs instead of tables.")]


class Exit(enum.IntEnum):
    """What the exit codes mean."""

    FINE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="REGISTRAR_", extra="ignore")
    amqp_url: str | None = None


def address(option: str | None) -> str:
    """The broker's address, from the option or the environment."""
    found = option or _Settings().amqp_url
    if not found:
        usage("Where is the broker? Set REGISTRAR_AMQP_URL or give --amqp-url amqp://user:password@host:5672/vhost")
    if not found.startswith(("amqp://", "amqps://")):
        usage("The broker's address begins with amqp:// or amqps://")
    return found


def usage(message: str) -> NoReturn:
    """End: the command was not typed as it must be."""
    print(message, file=sys.stderr)
    raise typer.Exit(Exit.USAGE)


def console(*, stderr: bool = False) -> Console:
    """A console that does not break tables where nobody has set a width."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDTH_OF_A_PIPE)
