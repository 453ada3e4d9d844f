"""Whether the broker confirms is found out again also when there is nothing left to publish."""

from typing import Any

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from tests.unit.write_service.orders import an_id
from write_service.adapters.broker import BrokerEventMessages
from write_service.service_layer.outbox import Unpublished

ROW = Unpublished(an_id(), "company.closed.v1", b"{}")


class Broker(ConfirmedPublisher):
    """Confirms or does not; there is one exchange, and no queue that the default one would know."""

    def __init__(self) -> None:
        self.confirms = True
        self.asked = 0

    async def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:  # noqa: ARG002
        self.asked += 1
        if not self.confirms:
            raise Unconfirmed("not in time")
        if not exchange:
            raise Returned(routing_key)


async def test_a_broker_that_is_well_again_is_believed_without_a_row_to_publish() -> None:
    broker = Broker()
    messages = BrokerEventMessages(broker, 4)
    broker.confirms = False
    assert await messages.publish([ROW], by="commit") == []
    assert await messages.publish([], by="sweep") == []
    assert messages.stalled_for > 0
    broker.confirms = True
    assert await messages.publish([], by="sweep") == []
    assert messages.stalled_for == 0


async def test_a_broker_that_is_well_is_not_asked() -> None:
    broker = Broker()
    messages = BrokerEventMessages(broker, 4)
    await messages.publish([ROW], by="commit")
    await messages.publish([], by="sweep")
    assert broker.asked == 1
