"""How often heads are compared, and how often is asked whose turn it is."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from contracts.operations import Heads, HeadsChanged
from read_service.entrypoints.heads import CHANGED, WALK, HeadsLook

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
