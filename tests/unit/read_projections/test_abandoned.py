"""A cancelled visit to a server that does not answer runs none of its later commands, and begins no commit."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from read_service.adapters import mongo
from read_service.adapters.mongo import Calls, Document, in_transaction, run


class Frozen:
    """In the driver's place: the first command is answered when the test says so."""

    def __init__(self) -> None:
        self.delegate = self
        self.ran: list[Document] = []
        self.told: list[str] = []
        self.freezes = "command"
        self.over = threading.Event()
        self.began, self.thaws = threading.Event(), threading.Event()

    def command(self, command: Document, **_: Any) -> Document:
        self.ran.append(command)
        self._freeze("command")
        return {}

    def start_transaction(self, *_: object) -> None:
        self.told.append("start")

    def commit_transaction(self) -> None:
        self.told.append("commit")
        self._freeze("commit")
        if self.freezes == "commit":
            raise OperationFailure("who knows", 64, {"errorLabels": [mongo.UNKNOWN_COMMIT]})

    def _freeze(self, what: str) -> None:
        if what == self.freezes:
            self.began.set()
            self.thaws.wait(10)

    def abort_transaction(self) -> None:
        self.told.append("abort")
        self.over.set()


async def test_after_it_was_given_up_no_further_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "_ABANDONED_SECONDS", 0.01)
    server, over = Frozen(), threading.Event()

    def commands() -> Iterator[Document]:
        try:
            yield {"first": 1}
            yield {"second": 1}
        finally:  # whether all were taken or not
            over.set()

    stand_in, both = cast("Any", server), cast("Any", commands())
    running = asyncio.create_task(run(stand_in, stand_in, both))
    del both
    await asyncio.to_thread(server.began.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    server.thaws.set()
    assert await asyncio.to_thread(over.wait, 10)
    assert server.ran == [{"first": 1}]


@pytest.mark.parametrize("last", [True, False])
async def test_a_transaction_that_was_given_up_is_undone(monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    monkeypatch.setattr(mongo, "_ABANDONED_SECONDS", 0.01)
    server = Frozen()

    def body(calls: Calls) -> None:
        calls.run([{"first": 1}])
        if not last:
            calls.run([{"second": 1}])

    await _given_up(server, body)
    assert (server.ran, server.told) == ([{"first": 1}], ["start", "abort"])


async def test_a_commit_of_which_nobody_knows_is_not_repeated_once_it_was_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongo, "_ABANDONED_SECONDS", 0.01)
    server = Frozen()
    server.freezes = "commit"
    await _given_up(server, lambda calls: calls.run([{"first": 1}]))
    assert server.told == ["start", "commit", "abort"]


async def _given_up(server: Frozen, body: Callable[[Calls], None]) -> None:
    """Cancel a transaction while the server is frozen; let it thaw, and wait until the transaction is undone."""
    stand_in = cast("Any", server)
    running = asyncio.create_task(in_transaction(stand_in, stand_in, body))
    await asyncio.to_thread(server.began.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    server.thaws.set()
    assert await asyncio.to_thread(server.over.wait, 10)
