"""Early events are held for a moment, a few of each company: what a hot one has more is stored, to be taken at once."""

import asyncio
from collections.abc import Sequence

import pytest

from contracts.events import CompanyEvent
from read_service.projections.engine import MOST_BYTES, Engine, lingering
from read_service.projections.planning import MOST_HELD, Plan
from read_service.projections.reading import Change, Work, read_one
from tests.support.eventually import eventually
from tests.support.histories import Folded, histories
from tests.unit.read_projections.shelf import Shelf

QUIET, HOT = (histories(seed, companies=1, events=3 * MOST_HELD) for seed in (1, 2))


def changes(log: Sequence[dict[str, object]], versions: range) -> list[Change]:
    found = [read_one(event) for event in log]
    return [one for one in found if isinstance(one, CompanyEvent) and one.version in versions]


def delivered(shelf: Shelf, *messages: list[Change]) -> Plan:
    """In one transaction in which everything may be held."""
    return shelf.transact([Work(changes=one) for one in messages], frozenset(range(len(messages))))


def test_a_few_are_held() -> None:
    shelf = Shelf()
    made = delivered(shelf, changes(HOT, range(2, MOST_HELD + 2)))
    assert ([one.version for one in made.held], shelf.ahead) == ([*range(2, MOST_HELD + 2)], {})


def test_of_a_company_with_more_all_are_stored_and_others_are_held_still() -> None:
    shelf = Shelf()
    few = changes(QUIET, range(2, 4))
    made = delivered(shelf, changes(HOT, range(2, 4)), few, changes(HOT, range(4, MOST_HELD + 3)))
    assert made.held == few
    assert {version for _, version in shelf.ahead} == {*range(2, MOST_HELD + 3)}

    made = delivered(shelf, made.held, changes(HOT, range(1, 2)))
    assert shelf.versions() == {HOT[0]["subject"]: MOST_HELD + 2}
    assert made.held == few


@pytest.mark.parametrize("patient", [0, 1])
def test_of_an_event_that_came_again_no_copy_waits_longer_than_the_oldest(patient: int) -> None:
    shelf, copies = Shelf(), [Work(changes=changes(QUIET, range(2, 3))) for _ in range(2)]
    made = shelf.transact(copies, frozenset([patient]))
    assert (made.held, [version for _, version in shelf.ahead]) == ([], [2])


def test_a_hot_company_that_three_replicas_share_ends_in_what_the_log_says() -> None:
    shelf = Shelf()
    held: list[list[Change]] = [[], [], []]
    for start in range(1, len(HOT) + 1, 6):
        for replica in range(3):
            news = changes(HOT, range(start + replica, start + 6, 3))
            held[replica] = delivered(shelf, held[replica], news).held
    left = [change for replica in held for change in replica]
    unfinished = shelf.transact([Work(changes=left)]).unfinished
    while unfinished:
        unfinished = shelf.transact([Work(drain=unfinished)]).unfinished
    assert shelf.folded() == Folded.of(HOT)


async def test_a_copy_that_comes_while_the_first_is_held_is_not_done_either() -> None:
    shelf = Shelf()
    settled = asyncio.Event()

    async def settle(work: Sequence[Work], patient: frozenset[int]) -> Plan:
        made = shelf.transact(work, patient)
        settled.set()
        return made

    engine = Engine(settle, most_held=100, linger=lingering(200), hold=60)
    running = asyncio.create_task(engine.run())
    copies = []
    for _ in range(2):  # the channel of the first is lost: only the second can be acknowledged
        copies.append(asyncio.create_task(engine.apply(Work(changes=changes(HOT, range(2, 3))))))
        settled.clear()
        await asyncio.wait_for(settled.wait(), 5)
    await asyncio.sleep(0)
    assert ([copy.done() for copy in copies], shelf.positions, shelf.ahead) == ([False, False], {}, {})

    async with asyncio.timeout(5):
        await engine.apply(Work(changes=changes(HOT, range(1, 2))))
        await asyncio.gather(*copies)
    assert shelf.versions() == {HOT[0]["subject"]: 2}
    running.cancel()


@pytest.mark.parametrize(("seconds", "expected"), [(1.1, [0, 0, 0, 0, 1]), (3, [0, 0, 1])])
async def test_where_transactions_take_longer_than_the_hold_several_pass_before_an_event_is_stored_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, seconds: float, expected: list[int]
) -> None:
    shelf, stored_after = Shelf(), list[int]()
    loop = asyncio.get_running_loop()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + seconds * len(stored_after))

    async def settle(work: Sequence[Work], patient: frozenset[int]) -> Plan:
        made = shelf.transact(work, patient)
        stored_after.append(len(shelf.ahead))
        return made

    engine = Engine(settle, most_held=100, linger=lingering(200), hold=1)
    running = asyncio.create_task(engine.run())
    async with asyncio.timeout(60):
        await engine.apply(Work(changes=changes(HOT, range(2, 3))))
    assert stored_after == expected
    running.cancel()


async def test_those_that_wait_leave_room_for_what_they_wait_for() -> None:
    shelf = Shelf()

    async def settle(work: Sequence[Work], patient: frozenset[int]) -> Plan:
        return shelf.transact(work, patient)

    companies = [histories(seed, companies=1, events=3) for seed in range(1, 6)]
    engine = Engine(settle, most_held=3, linger=lingering(200), hold=60)
    running = asyncio.create_task(engine.run())
    early = [asyncio.create_task(engine.apply(Work(changes=changes(log, range(2, 3))))) for log in companies]
    done = await eventually(lambda: [one.done() for one in early], until=any)
    assert done == [True, True, False, False, False]  # the oldest
    assert engine.stored == 2
    running.cancel()
    await asyncio.wait(early)


async def test_large_messages_that_wait_leave_room_too_and_what_they_wait_for_is_taken_at_once() -> None:
    shelf, transactions = Shelf(), list[int]()

    async def settle(work: Sequence[Work], patient: frozenset[int]) -> Plan:
        transactions.append(len(work))
        return shelf.transact(work, patient)

    companies = [histories(seed, companies=1, events=3) for seed in range(1, 17)]
    engine = Engine(settle, most_held=100, linger=lingering(200), hold=60)
    running = asyncio.create_task(engine.run())
    large = [Work(changes=changes(log, range(2, 3)), size=MOST_BYTES // 16) for log in companies]
    early = [asyncio.create_task(engine.apply(one)) for one in large]
    done = await eventually(lambda: [one.done() for one in early], until=lambda done: sum(done) == 8)
    assert done == [True] * 8 + [False] * 8
    before = len(transactions)
    last = companies[-1]
    async with asyncio.timeout(10):
        await engine.apply(Work(changes=changes(last, range(1, 2)), size=MOST_BYTES // 16 * 15))
        await early[-1]
    assert len(transactions) - before <= 3
    running.cancel()
    await asyncio.wait(early)
