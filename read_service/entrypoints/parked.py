"""`read-service parked …`: what a person sees and does with what is in custody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from read_service.adapters.parked import STATES, Filter, MongoParked
from read_service.entrypoints.dead_letters import DEAD_LETTER
from read_service.entrypoints.parked_actions import Order, drop_them, list_them, resend_them, show_them
from read_service.entrypoints.tools import documents_of
from read_service.projections.reading import EVENT, MESSAGE, REFUSED
from read_service.settings import SetupSettings, load

KINDS = (EVENT, MESSAGE, REFUSED, DEAD_LETTER)

app = typer.Typer(help="Events and messages that could not be applied: list, show, resend, drop.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(help="Cases; without any, all that the filters leave.")]
Kind = Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS)}.")]
Type = Annotated[str | None, typer.Option(help="Event type, as company.registered.v1.")]
Company = Annotated[str | None, typer.Option(help="Company id.")]
Since = Annotated[datetime | None, typer.Option(help="Parked at this time (UTC) or later.")]
Until = Annotated[datetime | None, typer.Option(help="Parked before this time (UTC).")]
State = Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}.")]
Generation = Annotated[int | None, typer.Option(min=1, help="Of documents; the active one unless named.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many cases, oldest first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say how many it would be.")]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout.")]
All = Annotated[bool, typer.Option("--all", help="Needed to resend or drop without an id or a filter.")]


def _command(act: Callable[[MongoParked, Order], Awaitable[int]]) -> Callable[..., None]:
    def command(
        *,
        ids: Ids = None,
        kind: Kind = None,
        type: Type = None,  # noqa: A002 - becomes the option --type
        company: Company = None,
        since: Since = None,
        until: Until = None,
        state: State = "open",
        generation: Generation = None,
        limit: Limit = 100,
        dry_run: DryRun = False,
        as_json: Json = False,
        everything: All = False,
    ) -> None:
        for value, known, name in ((kind, KINDS, "--kind"), (state, STATES, "--state")):
            if value is not None and value not in known:
                raise typer.BadParameter(f"one of {', '.join(known)}", param_hint=name)
        wanted = Filter(ids, kind, type, company, _utc(since), _utc(until), state)

        async def run() -> int:
            settings = load(SetupSettings)
            async with documents_of(settings, generation) as (database, number):
                order = Order(wanted, limit, dry_run, as_json, everything, settings.amqp_url, database)
                return await act(MongoParked(database, number), order)

        raise typer.Exit(asyncio.run(run()))

    return command


def _utc(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


for name, act in {"list": list_them, "show": show_them, "resend": resend_them, "drop": drop_them}.items():
    app.command(name, help=act.__doc__)(_command(act))
