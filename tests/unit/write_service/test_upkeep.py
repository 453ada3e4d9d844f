"""What is done again and again: it goes on whatever happens, and goes in small steps."""

import asyncio

import pytest

from tests.support.eventually import eventually
from write_service import metrics
from write_service.entrypoints import upkeep
from write_service.entrypoints.upkeep import again, look, purge
from write_service.service_layer.outbox import Depth


class Table:
    def __init__(self, old: int) -> None:
        self.old = old
        self.steps: list[int] = []

    async def purge(self, older_than: float, limit: int) -> int:
        assert older_than == 60
        step = min(self.old, limit)
        self.old -= step
        self.steps.append(step)
        return step


@pytest.mark.parametrize(("old", "steps"), [(0, [0]), (7, [7]), (2500, [1000, 1000, 500])])
async def test_old_rows_are_forgotten_in_steps(monkeypatch: pytest.MonkeyPatch, old: int, steps: list[int]) -> None:
    monkeypatch.setattr(upkeep, "BETWEEN_STEPS", 0)
    table = Table(old)
    assert await purge(table, 60) == old
    assert table.steps == steps


async def test_a_step_that_fails_is_done_again() -> None:
    tried = 0

    async def step() -> None:
        nonlocal tried
        tried += 1
        raise OSError("away")

    running = asyncio.create_task(again("a step", step, every=0.001))
    await eventually(lambda: tried > 3)
    assert not running.done()
    running.cancel()


class Waiting:
    async def depth(self) -> Depth:
        return Depth(12, 3.5)

    async def open_rows(self) -> int:
        return 4


async def test_what_waits_is_measured() -> None:
    await look(Waiting(), Waiting())  # type: ignore[arg-type]
    shown = {
        name: metrics.REGISTRY.get_sample_value(name)
        for name in (
            "registrar_write_outbox_rows",
            "registrar_write_outbox_oldest_seconds",
            "registrar_write_parked_rows",
        )
    }
    assert list(shown.values()) == [12, 3.5, 4]
