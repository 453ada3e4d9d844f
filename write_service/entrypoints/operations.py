"""The consumer of what the read service asks for: read, carried out within a time, answered, acknowledged."""

import asyncio
import time
from typing import cast

from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage
from pydantic import BaseModel, ValidationError

from contracts.errors import Error, error, errors_of
from contracts.operations import OPERATIONS, Refused
from contracts.publisher import ConfirmedPublisher, Returned, Unsendable
from contracts.reply_queues import may_receive
from contracts.topology import WRITE_OPERATIONS
from contracts.values import MAX_MESSAGE_BYTES
from write_service import metrics
from write_service.adapters.deliveries import parked_message
from write_service.adapters.replaying import BrokerReplay
from write_service.entrypoints.replies import send_once
from write_service.logs import logger
from write_service.service_layer.operations import EventLog, Operations, Request
from write_service.service_layer.parking import UNREADABLE, Parking

RETRY_SECONDS = 0.5
PREFETCH = 4

log = logger(__name__)


class InvalidRequest(Exception):
    """The request cannot be read."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__("; ".join(f"{fault['type']}: {fault['msg']}" for fault in errors))
        self.errors = errors


class OperationsConsumer:
    """Deals with one request at a time, several at once; answers each of them, whatever happens."""

    def __init__(
        self,
        event_log: EventLog,
        publisher: ConfirmedPublisher,
        answering: ConfirmedPublisher,
        parking: Parking,
        answer_within: float = 20.0,
    ) -> None:
        self._answering = answering
        self._parking = parking
        self._within = answer_within
        self._operations = Operations(event_log, BrokerReplay(publisher))

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged; raises only CancelledError, and it may not."""
        began = time.monotonic()
        try:
            request = read_request(message.body, message.routing_key or "")
        except InvalidRequest as invalid:
            await self._park(message, str(invalid))
            answer: BaseModel = Refused(status="invalid", errors=invalid.errors)
        else:
            answer = await self._carried_out(request)
        kind = message.routing_key if message.routing_key in OPERATIONS else "unknown"
        status = getattr(answer, "status", "")
        metrics.OPERATIONS.labels(kind, status).inc()
        sent = getattr(answer, "sent", 0)
        metrics.REPLAYED.inc(sent)
        if sent:
            log.info("events_sent_again", operation=kind, events=sent, ms=round((time.monotonic() - began) * 1000, 1))
        await self._reply(message, answer)

    async def _carried_out(self, request: Request) -> BaseModel:
        failure: Exception = TimeoutError()
        try:
            async with asyncio.timeout(self._within):
                while True:
                    try:
                        return await self._operations.answer(request)
                    except (Returned, Unsendable) as refused:
                        failure = refused  # no such queue: waiting does not help
                        break
                    except Exception as failed:  # noqa: BLE001 - the database or the broker is away, perhaps not for long
                        failure = failed
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            pass
        reason = f"{type(failure).__name__}: {failure}"[:500]
        log.warning("operation_failed", operation=type(request).__name__, reason=reason)
        return Refused(status="error", errors=[error("failed", reason)])

    async def _reply(self, message: AbstractIncomingMessage, answer: BaseModel) -> None:
        to = message.reply_to
        if to and may_receive(to):
            await send_once(self._answering, to, message.correlation_id, answer.model_dump_json().encode())

    async def _park(self, message: AbstractIncomingMessage, reason: str) -> None:
        while True:
            try:
                return await self._parking.park([parked_message(message, UNREADABLE, reason)])
            except Exception as failure:  # noqa: BLE001 - Postgres is away: the message waits, unacknowledged
                log.warning("parking_waits", messages=1, reason=f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(RETRY_SECONDS)


def read_request(body: bytes, routing_key: str) -> Request:
    """The request of a message. Raises InvalidRequest."""
    if routing_key not in OPERATIONS:
        raise InvalidRequest([error("unknown_operation", f"known are {', '.join(OPERATIONS)}", "routing_key")])
    if len(body) > MAX_MESSAGE_BYTES:
        said = f"{len(body)} bytes: a message has at most {MAX_MESSAGE_BYTES}"
        raise InvalidRequest([error("message_too_large", said, "body")])
    try:
        return cast("Request", OPERATIONS[routing_key].model_validate_json(body))
    except ValidationError as failure:
        raise InvalidRequest(errors_of(failure)) from None


def register(broker: RabbitBroker, consumer: OperationsConsumer, prefetch: int = PREFETCH) -> None:
    """Consume `write_service.operations` with so many requests under way at most. Declares nothing."""

    async def as_it_came(message: RabbitMessage) -> RabbitMessage:
        return message

    @broker.subscriber(
        RabbitQueue(WRITE_OPERATIONS.name, declare=False),
        ack_policy=AckPolicy.MANUAL,
        decoder=as_it_came,
        no_reply=True,  # it would send an empty answer of its own, and to whatever queue the request names
        channel=Channel(prefetch_count=prefetch),
    )
    async def on_message(message: RabbitMessage) -> None:
        try:
            await consumer.take(cast("AbstractIncomingMessage", message.raw_message))
        except Exception:  # kept unacknowledged it would hold a place for ever; who waits for its answer asks again
            log.exception("operation_not_answered", operation=message.raw_message.routing_key)
        await message.ack()
