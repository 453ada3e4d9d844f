"""How bytes are shared out: in order, never more than there are, and none lost with those who give up."""

import asyncio

from contracts.budget import Budget


async def until_idle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_those_who_do_not_fit_wait_and_are_let_in_in_their_order() -> None:
    budget, inside = Budget(10), list[str]()

    async def take(name: str, size: int) -> None:
        await budget.take(size)
        inside.append(name)

    sizes = {"a": 6, "b": 5, "c": 1, "whole": 99, "d": 1}
    taking = [asyncio.create_task(take(name, size)) for name, size in sizes.items()]
    await until_idle()
    assert inside == ["a"]  # c would fit, and is not let past b
    budget.give(6)
    await until_idle()
    assert inside == ["a", "b", "c"]
    budget.give(5)
    await until_idle()
    assert inside == ["a", "b", "c"]
    budget.give(1)
    await until_idle()
    assert inside == ["a", "b", "c", "whole"]
    budget.give(99)
    await asyncio.gather(*taking)


async def test_who_gives_up_takes_nothing_along() -> None:
    budget = Budget(10)
    await budget.take(10)
    waits, let_in = (asyncio.create_task(budget.take(10)) for _ in range(2))
    await until_idle()
    waits.cancel()
    await until_idle()
    budget.give(10)
    let_in.cancel()  # in the same moment as it is let in
    await asyncio.wait([waits, let_in])
    assert waits.cancelled()
    assert let_in.cancelled()
    async with asyncio.timeout(1):
        await budget.take(10)
