"""Events of the log, sent again to one queue of the read service."""

import asyncio
import uuid
from collections.abc import Sequence

from contracts.batching import array, cut
from contracts.operations import REPLAY_TYPE
from contracts.publisher import ConfirmedPublisher
from contracts.reading import BATCH
from write_service.service_layer.publishing import published_event
from write_service.service_layer.records import EventRecord


class BrokerReplay:
    """Publishes to a queue by its name, past the exchanges that all readers are bound to."""

    def __init__(self, publisher: ConfirmedPublisher) -> None:
        self._publisher = publisher

    async def __call__(self, queue: str, records: Sequence[EventRecord]) -> None:
        """Returns when the broker has all of them. Raises Returned (there is no such queue) or Unconfirmed."""
        bodies = [published_event(record).body for record in records]
        sending = (self._publish(queue, run) for run in cut(bodies))
        results = await asyncio.gather(*sending, return_exceptions=True)  # all of them at once, in their order
        for failure in results:
            if failure is not None:
                raise failure

    async def _publish(self, queue: str, run: list[bytes]) -> None:
        message_id = str(uuid.uuid4())
        await self._publisher.publish(
            "", queue, array(run), message_id=message_id, type=REPLAY_TYPE, content_type=BATCH
        )
