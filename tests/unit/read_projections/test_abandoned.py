"""A cancelled visit to a server that does not answer runs none of its later commands."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from read_service.adapters import mongo
from read_service.adapters.mongo import Document, run


class Frozen:
    """In the driver's place: the first command is answered when the test says so."""

    def __init__(self) -> None:
        self.delegate = self
        self.ran: list[Document] = []
        self.began, self.thaws = threading.Event(), threading.Event()

    def command(self, command: Document, **_: Any) -> Document:
        self.ran.append(command)
        self.began.set()
        self.thaws.wait(10)
        return {}


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
