"""A client in another language, as it were: it knows AMQP, HTTP, JSON and the contract's words, and no code of ours."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
DIRECT = "amq.rabbitmq.reply-to"


def an_id() -> str:
    return str(uuid.uuid4())


def command(kind: str, company: str, data: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A command as the contract writes it."""
    head = {"specversion": "1.0", "id": an_id(), "source": "/clients/raw", "type": kind, "subject": company}
    return {**head, **({} if data is None else {"data": data}), **attributes}


class Raw:
    """Sends messages and matches replies by their correlation id."""

    def __init__(self, channel: AbstractChannel, http: httpx.AsyncClient) -> None:
        self.channel = channel
        self._http = http
        self._replies: dict[str, asyncio.Future[AbstractIncomingMessage]] = {}

    async def listen(self, kind: str) -> str:
        """The address for replies: RabbitMQ's direct one, an exclusive queue, or a named queue `reply.…`."""
        if kind == DIRECT:
            queue = await self.channel.get_queue(DIRECT, ensure=False)
        else:
            name = None if kind == "exclusive" else f"reply.{an_id()}"
            queue = await self.channel.declare_queue(name, exclusive=name is None, auto_delete=True)
        await queue.consume(self._heard, no_ack=True)
        return queue.name

    async def tell(
        self,
        content: Any,
        reply_to: str = DIRECT,
        *,
        key: str | None = None,
        content_type: str | None = None,
    ) -> AbstractIncomingMessage:
        """The message that answers a command, or a list of them."""
        is_batch = isinstance(content, list)
        usual = BATCH if is_batch else SINGLE
        key = key or ("batch.v1" if is_batch else content["type"])
        return await self._call("commands", key, content, content_type or usual, reply_to)

    async def told(self, content: Any, reply_to: str = DIRECT, **changes: Any) -> Any:
        """What the answer to a command, or to a list of them, says."""
        return json.loads((await self.tell(content, reply_to, **changes)).body)

    async def ask(self, query: str, reply_to: str = DIRECT, **parameters: Any) -> Any:
        """What the bus answers to a query."""
        answer = await self._call("queries", query, parameters, "application/json", reply_to)
        assert answer.content_type == "application/json"
        return json.loads(answer.body)

    async def get(self, path: str, **parameters: Any) -> Any:
        """What HTTP answers; it must be well."""
        answer = await self._http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def _call(self, exchange: str, key: str, content: Any, content_type: str, to: str) -> AbstractIncomingMessage:
        correlation_id = an_id()
        reply = self._replies[correlation_id] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            content if isinstance(content, bytes) else json.dumps(content).encode(),
            content_type=content_type,
            message_id=content["id"] if isinstance(content, dict) and "id" in content else an_id(),
            type=key,
            delivery_mode=2,
            reply_to=to,
            correlation_id=correlation_id,
        )
        await (await self.channel.get_exchange(exchange, ensure=False)).publish(message, key)
        return await asyncio.wait_for(reply, 20)

    async def _heard(self, message: AbstractIncomingMessage) -> None:
        self._replies.pop(message.correlation_id or "").set_result(message)


@contextlib.asynccontextmanager
async def raw(amqp_url: str, http_url: str) -> AsyncIterator[Raw]:
    """A client that listens for direct replies while the block runs."""
    async with (
        await aio_pika.connect(amqp_url, timeout=10) as connection,
        httpx.AsyncClient(base_url=http_url, timeout=15) as http,
    ):
        made = Raw(await connection.channel(), http)
        await made.listen(DIRECT)
        yield made
