"""`write-service`: serve, setup, replay, parked."""

import asyncio
import os
import sys

import asyncpg
import typer
from aio_pika.exceptions import AMQPError
from sqlalchemy.exc import SQLAlchemyError

from contracts.collector import spare_what_is_there
from contracts.publisher import Returned, Unconfirmed
from write_service import bootstrap, logs
from write_service.entrypoints import parked
from write_service.entrypoints.patience import Unreachable, said
from write_service.entrypoints.replay import replay
from write_service.entrypoints.serving import until_told
from write_service.settings import InvalidSettings, Settings, SetupSettings, load

CLOSE_SECONDS = 5.0

app = typer.Typer(help="The write side of Registrar.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(parked.app, name="parked")
app.command()(replay)


@app.command()
def serve() -> None:
    """Handle commands until SIGTERM, with /health and /metrics over HTTP."""
    settings = load(Settings)
    logs.configure(settings.log_level)
    spare_what_is_there()
    raise typer.Exit(asyncio.run(_serve(settings)))


@app.command()
def setup() -> None:
    """Bring the database and the broker to what this version needs. Safe to repeat."""
    # Only here: the migrations' libraries are 14 MiB and a third of the time that a process needs to load.
    from write_service.entrypoints.setup import set_up  # noqa: PLC0415

    asyncio.run(set_up(load(SetupSettings)))
    typer.echo("tables, exchanges and queues are as they should be")


async def _serve(settings: Settings) -> int:
    async with bootstrap.service(settings) as service:
        code = await until_told(service, start_within=settings.start_within, stop_within=settings.stop_within)
        # All is done by now: a server that is away must not keep the process from its end.
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, os._exit, code)
    return code


def main() -> None:
    """The console script. What a person can mend is said in one line, and the exit code is 1."""
    try:
        app()
    except (InvalidSettings, Unreachable, Returned, Unconfirmed) as failure:
        _give_up(str(failure))
    except (OSError, AMQPError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as failure:
        _give_up(said(failure))


def _give_up(reason: str) -> None:
    print(f"write-service: {reason}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
