"""Waiting for what becomes true later: bounded, and with a report of what was waited for and what was seen last."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Seen = TypeVar("Seen")


@overload
async def eventually(
    probe: Callable[[], Awaitable[Seen]],
    *,
    within: float = 10,
    until: Callable[[Seen], object] = bool,
    every: float = 0.02,
) -> Seen: ...


@overload
async def eventually(
    probe: Callable[[], Seen], *, within: float = 10, until: Callable[[Seen], object] = bool, every: float = 0.02
) -> Seen: ...


async def eventually(
    probe: Callable[[], Any], *, within: float = 10, until: Callable[[Any], object] = bool, every: float = 0.02
) -> Any:
    """What the probe returned when `until` held of it (by default: when it is true).

    The probe may be async, and may assert: its AssertionError means "not yet". Other exceptions are raised at once.
    Raises AssertionError after `within` seconds, with what was seen last.
    """
    end = time.monotonic() + within
    while True:
        try:
            answer = probe()
            seen = await answer if inspect.isawaitable(answer) else answer
        except AssertionError as failure:
            last = f"it complained: {failure}"
        else:
            if until(seen):
                return seen
            last = f"last seen: {seen!r}"
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within:g} s: {_words(probe)}; {last}")
        await asyncio.sleep(every)


def _words(probe: Callable[[], object]) -> str:
    """The probe as it is written in the test, or its name."""
    name = getattr(probe, "__name__", repr(probe))
    if name != "<lambda>":
        return name.replace("_", " ")
    try:
        return " ".join(inspect.getsource(probe).split())
    except OSError:
        return name
