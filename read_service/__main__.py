"""The command line of the read service: `read-service serve`, `read-service setup`."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer

from contracts.collector import spare_what_is_there
from read_service import bootstrap, logs
from read_service.adapters.mongo import StoreAway
from read_service.entrypoints import parked, verify
from read_service.entrypoints.auth import OpenToOthers
from read_service.entrypoints.reaching import Unreachable
from read_service.entrypoints.stopping import Died, Stop
from read_service.settings import InvalidSettings, Settings, SetupSettings, load

FAILED, WRONG_SETTINGS = 1, 2

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(parked.app, name="parked")
app.command()(verify.verify)
app.command()(verify.gaps)


@app.callback()
def about() -> None:
    """The read side of Registrar: documents from events, and the queries that they answer."""


@app.command()
def serve() -> None:
    """Keep the documents, and answer queries over HTTP and over the bus, until SIGTERM."""
    spare_what_is_there()
    _run(_serve())


@app.command()
def setup() -> None:
    """Declare the queues, make the documents' collections and indexes. Safe to repeat."""
    _run(_setup())


async def _serve() -> None:
    settings = load(Settings)
    logs.configure(settings.log_level)
    stop = Stop(settings.stop_seconds)
    stop.on_signals()
    await bootstrap.serve(settings, stop)


async def _setup() -> None:
    settings = load(SetupSettings)
    logs.configure(settings.log_level)
    generation = await bootstrap.set_up(settings)
    typer.echo(f"The queues are declared; the documents of generation {generation} are ready.")


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (InvalidSettings, OpenToOthers) as wrong:
        _end(str(wrong), WRONG_SETTINGS)
    except (Unreachable, Died, OSError) as failure:
        _end(str(failure), FAILED)


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"read-service: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """The entry point of the program. What a person can mend is said in one line."""
    try:
        app()
    except InvalidSettings as wrong:
        _give_up(str(wrong), WRONG_SETTINGS)
    except (Unreachable, StoreAway, OSError) as failure:
        _give_up(f"{type(failure).__name__}: {failure}"[:300], FAILED)


def _give_up(message: str, code: int) -> NoReturn:
    typer.echo(f"read-service: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
