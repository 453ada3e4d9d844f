"""The write service as its clients and its operators see it: messages in, replies and events out, rows, commands."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aio_pika
import asyncpg
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from typer.testing import CliRunner

from contracts.reading import BATCH, BATCH_KEY, SINGLE
from contracts.topology import COMMANDS, WRITE_COMMANDS, live_events
from tests.support.processes import process
from write_service.__main__ import app

QUICK = {"REGISTRAR_SWEEP_EVERY": "0.2", "REGISTRAR_SWEEP_GRACE": "0.2", "REGISTRAR_LOOK_EVERY": "0.2"}


def command(kind: str = "company.register.v1", **changes: Any) -> dict[str, Any]:
    """A command as JSON holds it: by default a company of its own is registered."""
    company = str(uuid.uuid4())
    envelope = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/tests", "type": kind, "subject": company}
    return {**envelope, "data": {"name": f"Company {company}"}, **changes}


class Bus:
    """A client that knows AMQP and JSON, and nothing of us."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._replies: dict[str, asyncio.Future[Any]] = {}

    async def listen(self) -> None:
        queue = await self._channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await queue.consume(self._reply, no_ack=True)

    async def ask(self, body: Any, key: str | None = None, content_type: str | None = None) -> Any:
        """The reply to a message: a command, a list of them, or bytes as they are."""
        correlation_id = str(uuid.uuid4())
        reply = self._replies[correlation_id] = asyncio.get_running_loop().create_future()
        properties = {"reply_to": "amq.rabbitmq.reply-to", "correlation_id": correlation_id}
        await self.send(body, key, content_type, **properties)
        return await asyncio.wait_for(reply, 20)

    async def send(self, body: Any, key: str | None = None, content_type: str | None = None, **properties: Any) -> None:
        """Publish, confirmed, without a reply."""
        usual = (BATCH_KEY, BATCH) if isinstance(body, list) else ("company.register.v1", SINGLE)
        if isinstance(body, dict) and isinstance(body.get("type"), str):
            usual = (body["type"], SINGLE)
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = aio_pika.Message(
            encoded,
            content_type=content_type or usual[1],
            message_id=str(uuid.uuid4()),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            **properties,
        )
        exchange = await self._channel.get_exchange(COMMANDS, ensure=False)
        await exchange.publish(message, key if key is not None else usual[0])

    async def messages(self, queue: str = WRITE_COMMANDS.name) -> int:
        """Messages of a queue that are with nobody."""
        declared = await self._channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def events(self) -> list[dict[str, Any]]:
        """All events that the read service would get, taken away."""
        queue = await self._channel.get_queue(live_events(1).name, ensure=False)
        found: list[dict[str, Any]] = []
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            found += json.loads(message.body)
        return found

    async def _reply(self, message: AbstractIncomingMessage) -> None:
        self._replies.pop(message.correlation_id or "").set_result(json.loads(message.body))


@contextlib.asynccontextmanager
async def bus(environment: Mapping[str, str]) -> AsyncIterator[Bus]:
    """A client that is connected while the block runs."""
    async with await aio_pika.connect(environment["REGISTRAR_AMQP_URL"]) as connection:
        made = Bus(await connection.channel())
        await made.listen()
        yield made


async def rows(environment: Mapping[str, str], query: str) -> list[tuple[Any, ...]]:
    """What the owner of the tables sees."""
    connection = await asyncpg.connect(environment["REGISTRAR_POSTGRES_SETUP_URL"])
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def changed(environment: Mapping[str, str], statement: str, *values: Any) -> None:
    """What the owner of the tables does."""
    connection = await asyncpg.connect(environment["REGISTRAR_POSTGRES_SETUP_URL"])
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def count(environment: Mapping[str, str], table: str) -> int:
    """How many rows a table has."""
    return int((await rows(environment, f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 - a test's own words


async def typed(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code and output of `write-service …`."""
    async with process("write-service", *arguments, environment=environment) as made:
        code = await made.end(within=30)
        return code, made.log.read_text()


async def parked(environment: Mapping[str, str], action: str, *arguments: str) -> Any:
    """What `write-service parked … --json` says, run within this process; it must succeed."""
    typed_there = ["parked", action, "--json", *arguments]
    result = await asyncio.to_thread(CliRunner().invoke, app, typed_there, env=dict(environment))
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
