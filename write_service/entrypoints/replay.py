"""`write-service replay`: the log, or some companies' part of it, sent again to a queue of the read service."""

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from contracts.operations import EventsReplay, PageSent, Position
from contracts.publisher import ConfirmedPublisher
from write_service.adapters.database import database
from write_service.adapters.event_log import PostgresEventLog
from write_service.adapters.replaying import BrokerReplay
from write_service.service_layer.operations import Operations
from write_service.settings import Settings, load

PAGE = 10_000  # events between two lines of progress

Queue = Annotated[str, typer.Argument(help="A queue of the read service, as read_service.repairs.g1.")]
Companies = Annotated[list[UUID] | None, typer.Option("--company", help="Only this company; may be given again.")]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout.")]


def replay(queue: Queue, *, company: Companies = None, as_json: Json = False) -> None:
    """Send the events of the log again, in the order (company, version). Readers know what they have already."""
    try:
        request = EventsReplay(queue=queue, limit=PAGE, companies=[str(each) for each in company] if company else None)
    except ValidationError as refusal:
        raise typer.BadParameter(str(refusal.errors()[0]["msg"])) from None
    sent = asyncio.run(_replay(request, load(Settings), quiet=as_json))
    typer.echo(json.dumps({"sent": sent}) if as_json else f"{sent} events were sent to {queue}")


async def _replay(request: EventsReplay, settings: Settings, *, quiet: bool) -> int:
    publisher = ConfirmedPublisher(
        settings.amqp_url, name="write_service replay", confirm_timeout=settings.confirm_timeout
    )
    await publisher.connect()
    try:
        async with database(settings.postgres_url, timeout=settings.postgres_timeout, connections=1) as engine:
            operations = Operations(PostgresEventLog(engine), BrokerReplay(publisher))
            sent, after = 0, Position(company_id="00000000-0000-0000-0000-000000000000", version=0)
            while True:
                page = await operations.answer(request.model_copy(update={"after": after}))
                assert isinstance(page, PageSent)
                sent += page.sent
                if page.next is None:
                    return sent
                after = page.next
                if not quiet:
                    typer.echo(f"{sent} events, up to company {after.company_id}", err=True)
    finally:
        await publisher.close()
