"""Messages are read whatever their senders have written into their properties."""

import aio_pika
from aiormq.abc import DeliveredMessage
from pamqp import commands
from pamqp.header import ContentHeader

from contracts.delivery import read_whatever_comes


def test_a_mode_of_delivery_that_nobody_knows_is_read() -> None:
    """RabbitMQ 3 refuses such a message; what a broker lets through must not stay with the consumer for ever."""
    read_whatever_comes()
    properties = commands.Basic.Properties()
    properties.unmarshal(properties.flags["delivery_mode"], b"\x07")
    delivered = DeliveredMessage(commands.Basic.Deliver(), ContentHeader(properties=properties), b"body", None)  # type: ignore[arg-type]

    message = aio_pika.IncomingMessage(delivered)

    assert (message.body, message.delivery_mode) == (b"body", aio_pika.DeliveryMode.NOT_PERSISTENT)
