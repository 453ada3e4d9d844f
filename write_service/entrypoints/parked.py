"""`write-service parked …`: what a person sees and does with the messages in custody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from write_service.adapters.database import database
from write_service.adapters.parked_rows import STATES, Filter, ParkedRows
from write_service.entrypoints.parked_actions import Order, drop_them, list_them, resend_them, show_them
from write_service.service_layer.parking import KINDS
from write_service.settings import Settings, load

app = typer.Typer(help="Messages that could not be processed: list, show, resend, drop.", no_args_is_help=True)

Ids = Annotated[list[UUID] | None, typer.Argument(help="Rows; without any, all that the filters leave.")]
Kind = Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS)}.")]
Type = Annotated[str | None, typer.Option(help="Command type, as company.register.v1.")]
Company = Annotated[str | None, typer.Option(help="Company id.")]
Command = Annotated[str | None, typer.Option(help="Command id.")]
Since = Annotated[datetime | None, typer.Option(help="Parked at this time (UTC) or later.")]
Until = Annotated[datetime | None, typer.Option(help="Parked before this time (UTC).")]
State = Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many rows, oldest first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say how many it would be.")]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout.")]
All = Annotated[bool, typer.Option("--all", help="Needed to resend or drop without an id or a filter.")]


def _command(act: Callable[[ParkedRows, Order], Awaitable[int]]) -> Callable[..., None]:
    def command(
        *,
        ids: Ids = None,
        kind: Kind = None,
        type: Type = None,  # noqa: A002 - becomes the option --type
        company: Company = None,
        command: Command = None,
        since: Since = None,
        until: Until = None,
        state: State = "open",
        limit: Limit = 100,
        dry_run: DryRun = False,
        as_json: Json = False,
        everything: All = False,
    ) -> None:
        for value, known, name in ((kind, KINDS, "--kind"), (state, STATES, "--state")):
            if value is not None and value not in known:
                raise typer.BadParameter(f"one of {', '.join(known)}", param_hint=name)
        wanted = Filter(ids, kind, type, company, command, _utc(since), _utc(until), state)
        raise typer.Exit(asyncio.run(_with_rows(act, Order(wanted, limit, dry_run, as_json, everything))))

    return command


async def _with_rows(act: Callable[[ParkedRows, Order], Awaitable[int]], order: Order) -> int:
    settings = load(Settings)
    async with database(settings.postgres_url, timeout=settings.postgres_timeout, connections=2) as engine:
        return await act(ParkedRows(engine), order)


def _utc(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


for name, act in {"list": list_them, "show": show_them, "resend": resend_them, "drop": drop_them}.items():
    app.command(name, help=act.__doc__)(_command(act))
