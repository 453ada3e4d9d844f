"""What the last pass takes, what it leaves to others, and what it says."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from write_service.entrypoints import last_pass as module
from write_service.entrypoints.last_pass import LastPass
from write_service.entrypoints.relay import Sweep
from write_service.service_layer.outbox import Depth, Unpublished


class Messages:
    """Confirms everything; counts what a neighbour commits and publishes meanwhile."""

    stalled_for = 0.0

    def __init__(self) -> None:
        self.published: list[str] = []

    async def publish(self, rows: Sequence[Unpublished], by: str) -> list[str]:
        assert by == "stop"
        self.published += [row.event_id for row in rows]
        return [row.event_id for row in rows]


class Outbox:
    """Rows in memory, with the moment of their commit; a busy neighbour commits one more whenever somebody claims."""

    def __init__(self, *event_ids: str) -> None:
        self.rows = dict.fromkeys(event_ids, time.monotonic())
        self.is_away = False
        self.on_depth: Callable[[], None] = lambda: None

    async def delete(self, event_ids: Sequence[str]) -> None:
        for event_id in event_ids:
            del self.rows[event_id]

    @asynccontextmanager
    async def claim(self, older_than: float, limit: int) -> AsyncIterator[Any]:
        now = time.monotonic()
        yield Claimed([event_id for event_id, at in self.rows.items() if at <= now - older_than][:limit], self)
        self.rows[f"of a neighbour {len(self.rows)}"] = time.monotonic()

    async def depth(self) -> Depth:
        if self.is_away:
            raise OSError("away")
        found = Depth(len(self.rows), 0)
        self.on_depth()
        return found


class Claimed:
    def __init__(self, event_ids: Sequence[str], outbox: Outbox) -> None:
        self.rows = [Unpublished(event_id, "company.closed.v1", b"{}") for event_id in event_ids]
        self.delete = outbox.delete


def given(outbox: Outbox) -> tuple[Messages, LastPass]:
    messages = Messages()
    return messages, LastPass(Sweep(messages, outbox, grace=15, page=2), messages, outbox)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOMENT", 0.01)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


async def test_it_takes_what_is_there_and_leaves_later_commits_to_the_replicas_that_made_them() -> None:
    outbox = Outbox("e1", "e2", "e3")
    messages, last = given(outbox)
    with capture_logs() as lines:
        await last.run(within=5)
    assert messages.published == ["e1", "e2", "e3"]
    assert lines == [{"event": "published_at_the_end", "events": 3, "log_level": "info"}]


async def test_what_another_replica_has_just_published_is_not_published_again() -> None:
    outbox = Outbox("on its way")
    outbox.on_depth = outbox.rows.clear
    messages, last = given(outbox)
    with capture_logs() as lines:
        await last.run(within=5)
    assert (messages.published, lines) == ([], [])


async def test_without_the_database_it_says_so_when_its_time_is_over() -> None:
    outbox = Outbox("e1")
    outbox.is_away = True
    _, last = given(outbox)
    with capture_logs() as lines:
        await last.run(within=0.05)
    assert lines == [{"event": "events_left", "events": None, "reason": "OSError: away", "log_level": "warning"}]


async def test_after_it_there_is_no_sweep() -> None:
    messages, outbox = Messages(), Outbox()
    sweep = Sweep(messages, outbox, grace=15, page=2)
    await LastPass(sweep, messages, outbox).run(within=5)
    sweeping = asyncio.create_task(sweep.once())
    await asyncio.wait({sweeping}, timeout=0.05)
    assert not sweeping.done()
    sweeping.cancel()
