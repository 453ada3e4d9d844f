"""Stands for both services: answers commands by a few of their rules, and queries with what it was given."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from contracts import replies, tokens, topology
from contracts.commands import Command
from contracts.reading import CommandMessage, InvalidCommand, Unreadable, read_command_message
from contracts.replies import Accepted, Invalid, Rejected, Reply


class Responder:
    """Knows companies by their version, and commands by their first outcome. Answers only while `answering`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self.versions: dict[str, int] = {}
        self.outcomes: dict[str, Reply] = {}
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []
        self.heard: Counter[str] = Counter()
        self.messages: list[AbstractIncomingMessage] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def __aenter__(self) -> "Responder":
        self._connection = await aio_pika.connect(self._url, timeout=10)
        self._channel = await self._connection.channel()
        for queue, handle in ((topology.WRITE_COMMANDS, self._on_command), (topology.READ_QUERIES, self._on_query)):
            await (await self._channel.get_queue(queue.name)).consume(handle)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._connection is not None
        await self._connection.close()

    async def _on_command(self, message: AbstractIncomingMessage) -> None:
        self.messages.append(message)
        try:
            found = read_command_message(message.body, message.content_type, message.routing_key or "")
            body = self._outcomes(found)
        except Unreadable as failure:
            body = replies.encode(Invalid(None, failure.errors))
        await message.ack()
        await self.answering.wait()
        if message.reply_to:
            await self.reply(message, body)

    def _outcomes(self, found: CommandMessage) -> bytes:
        made = [self._outcome(command) for command in found.commands]
        return replies.encode(made if found.is_batch else made[0])

    def _outcome(self, command: Command | InvalidCommand) -> Reply:
        if isinstance(command, InvalidCommand):
            return Invalid(command.command_id, command.errors)
        self.heard[command.id] += 1
        if command.id in self.outcomes:
            known = self.outcomes[command.id]
            return replace(known, repeated=True) if isinstance(known, Accepted | Rejected) else known
        self.outcomes[command.id] = self._first(command)
        return self.outcomes[command.id]

    def _first(self, command: Command) -> Reply:
        known = command.subject in self.versions
        if known and command.type == "company.register.v1":
            return Rejected(command.id, command.subject, "company_already_exists", "The company exists already.")
        if not known and command.type != "company.register.v1":
            return Rejected(command.id, command.subject, "company_not_found", "There is no such company.")
        version = self.versions[command.subject] = self.versions.get(command.subject, 0) + 1
        return Accepted(command.id, command.subject, version, tokens.encode(command.subject, version))

    async def _on_query(self, message: AbstractIncomingMessage) -> None:
        key = message.routing_key or ""
        self.asked.append((key, json.loads(message.body)))
        await message.ack()
        await self.answering.wait()
        answer = self.answers.get(key, {"status": "not_found"})
        await self.reply(message, json.dumps(answer).encode())

    async def reply(self, message: AbstractIncomingMessage, body: bytes, correlation_id: str | None = None) -> None:
        """Answer a message, if need be under another correlation id than its own."""
        assert self._channel is not None
        assert message.reply_to is not None
        answer = aio_pika.Message(body, correlation_id=correlation_id or message.correlation_id)
        await self._channel.default_exchange.publish(answer, message.reply_to, mandatory=False)
