"""Stopping: when it is asked for, and when something without which the service cannot go on has ended."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from read_service.entrypoints.stopping import Died, Stop


async def _until_cancelled() -> None:
    await asyncio.Event().wait()


async def _fails() -> None:
    raise ValueError("broken")


async def _ends() -> None:
    pass


@pytest.mark.parametrize(("work", "said"), [(_fails, "ValueError: broken"), (_ends, "sweep has ended")])
async def test_a_background_task_that_ends_by_itself_stops_the_service_and_is_named(
    work: Callable[[], Coroutine[Any, Any, None]], said: str
) -> None:
    stop = Stop(within=60)
    stop.background("other", _until_cancelled())
    stop.background("sweep", work())

    await asyncio.wait_for(stop.asked(), 1)
    await stop.end_background()

    with pytest.raises(Died, match=f"^sweep has ended.*{said}|^{said}"):
        stop.finished()


async def test_tasks_that_end_because_the_service_stops_are_no_reason() -> None:
    stop = Stop(within=60)
    stop.background("sweep", _until_cancelled())
    stop.watch(asyncio.create_task(_until_cancelled()))

    stop.ask()
    await stop.end_background()

    stop.finished()


async def test_starting_is_given_up_when_a_stop_is_asked_for() -> None:
    stop = Stop(within=60)
    starting = asyncio.create_task(stop.unless(_until_cancelled()))
    await asyncio.sleep(0)

    stop.ask()

    await asyncio.wait_for(starting, 1)
    stop.finished()


async def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(ValueError, match="broken"):
        await Stop(within=60).unless(_fails())
