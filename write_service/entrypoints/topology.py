"""What `setup` declares on the broker: the exchanges, and the write service's queues."""

import aio_pika

from contracts.topology import WRITE_QUEUES, declare

CONNECT_SECONDS = 10


async def declare_topology(amqp_url: str) -> None:
    """Declare them; safe to repeat. Raises AMQPError or ConnectionError."""
    connection = await aio_pika.connect(amqp_url, timeout=CONNECT_SECONDS)
    async with connection:
        await declare(await connection.channel(), *WRITE_QUEUES)
