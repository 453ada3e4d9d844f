"""What is done again and again outlives every failure."""

import asyncio
import itertools

from read_service.repairing import again
from tests.support.eventually import eventually


async def test_a_step_that_fails_is_done_again_after_ever_longer_pauses() -> None:
    loop, times = asyncio.get_running_loop(), list[float]()

    async def step() -> None:
        times.append(loop.time())
        if len(times) < 4:
            raise OSError("the store is away")

    running = asyncio.create_task(again("a step", step, 0.02))
    await eventually(lambda: len(times), until=lambda count: count > 5)
    running.cancel()
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert [pause >= least for pause, least in zip(pauses, (0.04, 0.08, 0.16, 0.02), strict=False)] == [True] * 4
