"""The helper that waits says what it waited for, what it saw last, and does not swallow failures."""

import pytest

from tests.support.eventually import eventually


async def test_returns_what_the_probe_saw_once_it_holds() -> None:
    seen = iter([0, 0, 3])
    assert await eventually(lambda: next(seen), within=1) == 3


async def test_awaits_a_probe_that_is_async() -> None:
    async def three() -> int:
        return 3

    assert await eventually(three, until=lambda count: count == 3) == 3


async def test_says_what_it_waited_for_and_what_it_saw_last() -> None:
    def the_queue_is_empty() -> list[str]:
        return ["left over"]

    with pytest.raises(AssertionError, match=r"not within 0\.05 s: the queue is empty; last seen: \['left over'\]"):
        await eventually(the_queue_is_empty, within=0.05, until=lambda left: left == [])


async def test_takes_a_failed_assertion_for_not_yet_and_quotes_it() -> None:
    def a_reply_came() -> bool:
        raise AssertionError("no reply")

    with pytest.raises(AssertionError, match="it complained: no reply"):
        await eventually(a_reply_came, within=0.05)


async def test_raises_other_failures_at_once() -> None:
    def broken() -> bool:
        raise LookupError("broken")

    with pytest.raises(LookupError):
        await eventually(broken, within=60)
