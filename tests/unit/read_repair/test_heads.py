"""How often heads are compared, from which time on, and how often is asked whose turn it is."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.operations import Heads, HeadsChanged, Position
from read_service.entrypoints.heads import CHANGED, WALK, HeadsLook
from read_service.verification.noticing import Gap

AS_OF = "2026-11-24T10:00:00.000000Z"


class Turns:
    """Claims and gaps of documents that lack nothing, and a write service."""

    def __init__(self, theirs: set[str]) -> None:
        self.theirs = theirs  # turns that another replica has
        self.asked: list[str] = []
        self.declared = 0

    async def turn(self, name: str, every: float) -> dict[str, Any] | None:
        assert every
        self.asked.append(name)
        return None if name in self.theirs else {"as_of": AS_OF}

    async def leave(self, name: str, fields: Mapping[str, Any], *, rest: float | None = None) -> None:
        pass

    async def begin(self, name: str, field: str, value: Any) -> None:
        pass

    async def versions(self, company_ids: Any) -> dict[str, int]:
        return dict.fromkeys(company_ids, 0)

    async def heads(self, _: HeadsChanged) -> Heads:
        return Heads(heads=[], next=None, as_of=AS_OF)

    async def under_way(self) -> int:
        self.declared += 1
        return 0


async def asked_in(
    seconds: int, turns: Turns, monkeypatch: pytest.MonkeyPatch, *, every: float, walk_every: float = 3600.0
) -> None:
    """Look once a second."""
    now = [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    made: Any = turns
    look = HeadsLook(made, made, made, made, turns.under_way, every=every, overlap=30, walk_every=walk_every)
    for _ in range(seconds):
        await look.look()
        now[0] += 1


async def test_whose_turn_it_was_asks_again_when_the_next_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(theirs=set())
    await asked_in(60, turns, monkeypatch, every=3)
    assert (turns.asked.count(CHANGED), turns.asked.count(WALK)) == (20, 2)
    assert turns.declared == 20


async def test_whose_turn_it_was_not_asks_soon_in_case_the_other_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(theirs={CHANGED, WALK})
    await asked_in(60, turns, monkeypatch, every=6)
    assert (turns.asked.count(CHANGED), turns.asked.count(WALK)) == (30, 6)


async def test_the_pages_of_a_walk_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(theirs=set())
    await asked_in(20, turns, monkeypatch, every=3, walk_every=5)
    assert turns.asked.count(WALK) == 4


class Changing(Turns):
    """A write service in which one company has reached a version, and documents that are at another."""

    def __init__(self, *at: int) -> None:
        super().__init__(theirs={WALK})
        self.at = list(at)  # the version of the documents at each time that they are asked; the last one stays
        self.left: dict[str, Any] = {"as_of": AS_OF}
        self.now = datetime.fromisoformat(AS_OF)
        self.since: list[datetime] = []
        self.mended: list[Gap] = []
        self.has_two_pages = False

    async def turn(self, name: str, every: float) -> dict[str, Any] | None:  # noqa: ARG002 - theirs
        return self.left if name == CHANGED else None

    async def leave(self, name: str, fields: Mapping[str, Any], *, rest: float | None = None) -> None:
        assert (name, rest) == (CHANGED, None)
        self.left = dict(fields)

    async def versions(self, company_ids: Any) -> dict[str, int]:
        return dict.fromkeys(company_ids, self.at.pop(0) if len(self.at) > 1 else self.at[0])

    async def heads(self, request: HeadsChanged) -> Heads:
        assert request.since is not None
        if request.after is not None:
            return Heads(heads=[], next=None, as_of=self.now.isoformat())
        self.since.append(datetime.fromisoformat(request.since))
        self.now += timedelta(seconds=10)
        company = Position(company_id="6f1d0a3e-7f53-4c0e-9d6b-111111111111", version=7)
        return Heads(
            heads=[company], next=company.company_id if self.has_two_pages else None, as_of=self.now.isoformat()
        )

    async def mend(self, gaps: Sequence[Gap]) -> None:
        self.mended += gaps


async def looked(times: int, changing: Changing) -> list[float]:
    """How many seconds after the first `as_of` each of so many looks begins."""
    made: Any = changing
    look = HeadsLook(made, made, made, made, changing.under_way, every=0, overlap=15, walk_every=3600, moment=0)
    for _ in range(times):
        await look.look()
    return [(since - datetime.fromisoformat(AS_OF)).total_seconds() for since in changing.since]


async def test_of_what_was_complete_only_what_a_clock_may_be_behind_is_compared_again() -> None:
    changing = Changing(7)
    assert await looked(4, changing) == [0, 7, 17, 27]
    assert changing.mended == []


async def test_a_clock_that_was_ahead_and_is_set_right_is_followed() -> None:
    changing = Changing(7)
    changing.left = {"as_of": (changing.now + timedelta(hours=1)).isoformat()}
    assert await looked(3, changing) == [3600, 7, 17]


async def test_a_clock_that_was_ahead_is_followed_where_something_is_behind_too() -> None:
    changing = Changing(5)
    changing.left = {"as_of": (changing.now + timedelta(hours=1)).isoformat()}
    assert await looked(3, changing) == [3600, 7, 7]


async def test_what_is_behind_on_an_earlier_page_is_not_forgotten_for_the_last_one() -> None:
    changing = Changing(5)
    changing.has_two_pages = True
    assert await looked(3, changing) == [0, 0, 5]


async def test_what_came_within_the_moment_was_complete() -> None:
    assert await looked(2, Changing(6, 7)) == [0, 7]


async def test_what_is_still_behind_is_compared_again_though_not_for_ever() -> None:
    changing = Changing(5, 6, 6)  # it moves on, so that it is not asked for; and stays behind
    assert await looked(5, changing) == [0, 0, 5, 15, 25]
    assert len(changing.mended) == 4


async def test_what_has_come_at_last_is_no_longer_compared() -> None:
    assert await looked(4, Changing(5, 6, 5, 6, 7)) == [0, 0, 5, 27]
