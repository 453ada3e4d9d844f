"""One replica asks for all: claims by the database's clock."""

import asyncio

import pytest

from read_service.adapters.claims import LONGEST_PAUSE, UNREPAIRABLE, MongoClaims
from tests.integration.read_repair.conftest import World
from tests.support.eventually import eventually
from tests.support.histories import histories

COMPANY = "a company"


async def test_of_many_replicas_that_see_a_gap_one_may_ask(world: World) -> None:
    replicas = [MongoClaims(world.documents, 1) for _ in range(8)]
    claims = await asyncio.gather(*(one.take(COMPANY, 4, 6) for one in replicas for _ in range(3)))
    assert [claim for claim in claims if claim] == [(COMPANY, 4, 1)]
    assert await replicas[0].resting([COMPANY, "another"]) == {COMPANY: 4}


async def test_the_same_versions_are_asked_for_again_after_ever_longer_pauses(world: World) -> None:
    claims = MongoClaims(world.documents, 1, first_pause=0.01)
    pauses = []
    for tries in (1, 2, 3, 4):
        assert await eventually(lambda: claims.take(COMPANY, 4, 6), every=0.005) == (COMPANY, 4, tries)
        (known,) = await claims.known()
        pauses.append((known["due_at"] - known["asked_at"]).total_seconds())
    assert pauses == [0.02, 0.04, 0.08, 0.16]
    await world.documents["repairs.g1"].update_one({}, {"$set": {"tries": 1_000, "due_at": known["asked_at"]}})
    await claims.take(COMPANY, 4, 6)
    (known,) = await claims.known()
    assert (known["due_at"] - known["asked_at"]).total_seconds() == LONGEST_PAUSE


async def test_other_versions_of_the_company_are_not_held_up_by_what_was_asked_for_before(world: World) -> None:
    claims = MongoClaims(world.documents, 1, first_pause=0.05)
    for _ in range(3):
        await eventually(lambda: claims.take(COMPANY, 4, 6), every=0.01)
    assert await claims.take(COMPANY, 3, 6) is None  # seen by a replica that is late
    claim = await eventually(lambda: claims.take(COMPANY, 7, 9), within=0.3, every=0.01)
    assert claim == (COMPANY, 7, 1)


async def test_what_was_repaired_is_forgotten(world: World) -> None:
    claims = MongoClaims(world.documents, 1)
    history = histories(41, 1, 5)
    company = history[0]["subject"]
    for name in (company, COMPANY):
        claim = await claims.take(name, 0, 5)
        assert claim is not None
        await claims.mark(claim, 5, UNREPAIRABLE, "the log is empty")
    long_ago = [{"$set": {"asked_at": {"$subtract": ["$asked_at", 60_000]}}}]
    await world.documents["repairs.g1"].update_many({}, long_ago)
    assert await claims.tidy() == 2
    async with world.replica():
        await world.publish(history)
        await eventually(claims.tidy, until=lambda left: left == 1)
    assert [one["_id"] for one in await claims.known()] == [COMPANY]


async def test_a_claim_that_is_given_back_was_no_try_and_may_be_taken_soon(world: World) -> None:
    claims = MongoClaims(world.documents, 1, first_pause=0.01)
    for _ in range(3):
        claim = await eventually(lambda: claims.take(COMPANY, 4, 6), every=0.005)
    assert claim is not None
    await claims.give_back(claim)
    await claims.give_back(claim)  # it is another's by now
    (known,) = await claims.known()
    assert known["tries"] == 2
    assert await eventually(lambda: claims.take(COMPANY, 4, 6), every=0.005) == (COMPANY, 4, 3)


async def test_what_is_forgotten_is_looked_for_in_parts_and_among_unknown_companies_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("read_service.adapters.claims._MOST_TIDIED", 2)
    monkeypatch.setattr("read_service.adapters.claims._TIDY_AFTER", 0)
    claims = MongoClaims(world.documents, 1)
    for name, up_to in {"a": 5, "b": 5, "c": 0, "d": 5, "e": 5, "f": 0}.items():
        await claims.take(name, 0, up_to)
    left = []
    for _ in range(4):
        await claims.tidy()
        left.append("".join(one["_id"] for one in await claims.known()))
    assert left == ["abcdef", "abdef", "abde", "abde"]


async def test_a_turn_is_taken_once_in_a_while_and_knows_what_the_last_one_left(world: World) -> None:
    replicas = [MongoClaims(world.documents, 1) for _ in range(5)]
    turns = await asyncio.gather(*(one.turn("look", 0.2) for one in replicas))
    assert len([turn for turn in turns if turn is not None]) == 1
    await replicas[0].leave("look", {"after": "$where"})
    turn = await eventually(lambda: replicas[1].turn("look", 0.2), every=0.01)
    assert (turn or {})["after"] == "$where"
    await replicas[0].begin("look", "after", "another")
    turn = await eventually(lambda: replicas[2].turn("look", 0.2), every=0.01)
    assert (turn or {})["after"] == "$where"
