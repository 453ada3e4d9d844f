"""The running service answers the read service, and parks what it cannot read."""

import asyncpg

from contracts.client import Client
from contracts.operations import EventsReplay, HeadsChanged
from tests.integration.write_operations.asking import QUEUE, Asking, events_of
from tests.support.fresh import PostgresDatabase
from tests.support.processes import ready
from tests.unit.write_service.orders import an_id, register


async def test_the_service_answers_over_operations(
    vhost: str, postgres_database: PostgresDatabase, asker: Asking, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    settings = {"REGISTRAR_AMQP_URL": vhost, "REGISTRAR_POSTGRES_URL": postgres_database.url}
    company = an_id()
    async with ready("write-service", environment=settings) as process:
        async with Client(vhost) as client:
            await client.send(register(company, "Acme"))
        heads = await asker.ask(HeadsChanged())
        page = await asker.ask(EventsReplay(queue=QUEUE))
        refused = await asker.answer(await asker.send("events.wanted.v1", b"\x00"))
        assert await process.stop() == 0
    assert heads["heads"] == [{"company_id": company, "version": 1}]
    assert (page["sent"], [event["subject"] for event in events_of(await asker.taken())]) == (1, [company])
    assert refused["status"] == "invalid"
    assert await owner.fetchval("SELECT kind FROM parked") == "unreadable"
    assert await asker.waiting() == 0
