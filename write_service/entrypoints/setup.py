"""`write-service setup`: migrations, exchanges, queues. Safe to repeat, also at the same time."""

import asyncio
from functools import partial

from write_service.adapters import schema
from write_service.entrypoints.patience import patiently
from write_service.entrypoints.topology import declare_topology
from write_service.settings import SetupSettings


async def set_up(settings: SetupSettings) -> None:
    """Bring database and broker to what this version needs, at the same time. Raises Unreachable."""
    migrate = partial(asyncio.to_thread, schema.upgrade, settings.postgres_setup_url)
    await asyncio.gather(
        patiently("Postgres", migrate, settings.setup_within),
        patiently("RabbitMQ", lambda: declare_topology(settings.amqp_url), settings.setup_within),
    )
