"""The client of Registrar for Python: publish commands, wait for what became of them, ask queries.

async with Client("amqp://…") as client:
    reply = await client.send(command(RegisterCompany, company_id, name="Acme"))
    answer = await client.ask("company.get.v1", company_id=company_id, after=reply.token)
"""

# ruff: noqa: ASYNC109 - every call has a timeout of its own, and says what it means

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from contracts import topology
from contracts.batching import array
from contracts.calls import Calls
from contracts.commands import Command
from contracts.hearing import QueryAnswer, read_answer, read_replies
from contracts.line import persistent, transient
from contracts.making import encode, full_name, new_id
from contracts.packing import Pack
from contracts.queries import QUERIES, Query
from contracts.reading import BATCH, BATCH_KEY, SINGLE
from contracts.replies import Reply
from contracts.sending import Progress, Sending

JSON = "application/json"

# Replies are sent once: who misses one because a service or a line died sends the same again.
COMMAND_PATIENCE_SECONDS = 20
QUERY_PATIENCE_SECONDS = 3

_NAMES = {query: name for name, query in QUERIES.items()}


class Client:
    """One connection for any number of calls at once; all waits are bounded; a lost connection is replaced.

    Everything it raises is a ClientError (contracts.failures): Unreachable, TimedOut, Unroutable, Refused, BadReply.
    """

    def __init__(self, url: str, *, name: str = "registrar client") -> None:
        self._calls = Calls(url, name=name)

    async def __aenter__(self) -> Self:
        await self._calls.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._calls.close()

    async def publish(self, command: Command, *, timeout: float = 30) -> None:
        """Returns when the broker has the command for good; its outcome can be asked for: `command.get.v1`."""
        message = persistent(encode(command), content_type=SINGLE, message_id=command.id, type=command.type)
        await self._calls.publish(topology.COMMANDS, command.type, message, timeout=timeout)

    async def send(self, command: Command, *, timeout: float = 60) -> Reply:
        """The outcome of the command: Accepted, Rejected, Invalid or Parked."""
        message = persistent(encode(command), content_type=SINGLE, message_id=command.id, type=command.type)
        body = await self._calls.call(
            topology.COMMANDS, command.type, message, timeout=timeout, patience=COMMAND_PATIENCE_SECONDS
        )
        return read_replies(body, [command.id])[0]

    async def send_many(
        self,
        commands: Iterable[Command],
        *,
        timeout: float = 60,
        window: int = 8,
        progress: Progress | None = None,
    ) -> list[Reply]:
        """The outcomes of the commands, in their order. They travel in batches, up to `window` messages at once.

        Commands about the same company are handled in their order. `timeout` is for each message. When one of them
        fails the others are given up: what was answered until then was told to `progress`.
        """

        async def send(packed: Pack) -> list[Reply]:
            return await self._send_pack(packed, timeout)

        return await Sending(send, window=window, progress=progress).all(commands)

    async def _send_pack(self, packed: Pack, timeout: float) -> list[Reply]:
        message = persistent(array(packed.objects), content_type=BATCH, message_id=new_id(), type=BATCH_KEY)
        body = await self._calls.call(
            topology.COMMANDS, BATCH_KEY, message, timeout=timeout, patience=COMMAND_PATIENCE_SECONDS
        )
        return read_replies(body, packed.ids)

    async def ask(
        self,
        query: Query | str,
        *,
        timeout: float = 15,
        **parameters: Any,
    ) -> QueryAnswer:
        """The answer to a query: a class of contracts.queries, or its name with its parameters.

        The result of an Ok is of the class that contracts.results.RESULTS names. Raises pydantic.ValidationError or
        UnknownName for a query that cannot be.
        """
        asked = query if isinstance(query, Query) else QUERIES[full_name(query, QUERIES)](**parameters)
        name, waiting = _NAMES[type(asked)], asked.wait_ms / 1000
        body = asked.model_dump_json(exclude_defaults=True).encode()
        message = transient(body, content_type=JSON, message_id=new_id(), type=name)
        answer = await self._calls.call(
            topology.QUERIES, name, message, timeout=timeout + waiting, patience=QUERY_PATIENCE_SECONDS + waiting
        )
        return read_answer(answer, name)
