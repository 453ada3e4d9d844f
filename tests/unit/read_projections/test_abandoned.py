"""A cancelled visit to a server that does not answer runs none of its later commands, and begins no commit."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from read_service.adapters import mongo
from read_service.adapters.mongo import Calls, Document, in_transaction


class Frozen:
    """In the driver's place: the first command is answered when the test says so."""

    def __init__(self) -> None:
        self.delegate = self
        self.ran: list[Document] = []
        self.told: list[str] = []
        self.freezes = "command"
        self.over = threading.Event()
        self.began, self.thaws = threading.Event(), threading.Event()

    def flight(self, _database: object, _session: object, commands: Sequence[Document]) -> None:
        self.ran += commands
        self._freeze("command")

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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Frozen:
    monkeypatch.setattr(mongo, "_ABANDONED_SECONDS", 0.01)
    frozen = Frozen()
    monkeypatch.setattr(mongo, "run_pipelined", frozen.flight)
    return frozen


@pytest.mark.parametrize("last", [True, False])
async def test_a_transaction_that_was_given_up_is_undone(server: Frozen, *, last: bool) -> None:
    def body(calls: Calls) -> None:
        calls.run([{"first": 1}])
        if not last:
            calls.run([{"second": 1}])

    await _given_up(server, body)
    assert (server.ran, server.told) == ([{"first": 1}], ["start", "abort"])


async def test_a_commit_of_which_nobody_knows_is_not_repeated_once_it_was_given_up(server: Frozen) -> None:
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
