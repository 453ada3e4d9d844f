"""The harness itself: a result that is wrong is found, and what is sent is always accepted."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.commands import Command
from contracts.reading import read_command_message
from tests.benchmarks import meter, racing, workload
from tests.benchmarks.meter import metered
from tests.benchmarks.racing import crossed
from tests.benchmarks.stores import Seen, Totals, Wrong
from tests.benchmarks.subjects import system
from tests.benchmarks.subjects.system import System
from tests.support.model import Model


class _Side:
    stocked = 0

    def __init__(self, *totals: Totals, name: str = "Acme") -> None:
        self._totals = list(totals)
        self._name = name

    async def totals(self) -> Totals:
        return self._totals.pop(0) if len(self._totals) > 1 else self._totals[0]

    async def some(self, first: str) -> Seen:
        assert str(UUID(first)) == first
        return {"1": (6, "active", self._name), "2": (1, "registered", "Other")}

    async def of(self, company_ids: Iterable[str]) -> Seen:
        return {key: value for key, value in (await self.some(str(uuid4()))).items() if key in company_ids}


def _system(log: _Side, documents: _Side) -> System:
    return System("one", "", log, documents, {}, {}, "")  # type: ignore[arg-type]


async def test_documents_may_take_a_moment_but_must_equal_the_log() -> None:
    whole, part, uncounted = Totals(6, 6, 1, 3, 1), Totals(5, 5, 1, 2, 1), Totals(6, 6, 1, 3, 0)
    await _system(_Side(whole), _Side(part, uncounted, whole)).check()


@pytest.mark.parametrize("found", [Totals(6, 5, 1, 3, 1), Totals(6, 6, 1, 3, 0)], ids=["a version", "a count"])
async def test_documents_that_miss_something_are_wrong(monkeypatch: pytest.MonkeyPatch, found: Totals) -> None:
    monkeypatch.setattr(system, "_SETTLE_SECONDS", 0.0)
    with pytest.raises(Wrong, match="the documents hold"):
        await _system(_Side(Totals(6, 6, 1, 3, 1)), _Side(found)).check()


async def test_versions_that_do_not_add_up_to_the_events_are_wrong() -> None:
    same = Totals(6, 5, 1, 3, 1)
    with pytest.raises(Wrong, match="add up to 5"):
        await _system(_Side(same), _Side(same)).check()


async def test_a_company_that_looks_otherwise_in_the_documents_is_wrong() -> None:
    same = Totals(6, 6, 1, 3, 1)
    with pytest.raises(Wrong, match=r"the log has \{'1': .*Acme.* the documents \{'1': .*Acne"):
        await _system(_Side(same), _Side(same, name="Acne")).check()


def _line(*counts: int) -> Callable[[int], Awaitable[int]]:
    coming = chain(counts, iter(lambda: counts[-1], None))

    async def line(_: int) -> int:
        return next(coming)

    return line


async def test_a_race_ends_when_all_have_arrived_though_a_count_ran_ahead() -> None:
    began = time.monotonic()
    assert began <= await crossed(_line(3, 11, 9, 10), 10) <= time.monotonic()


@pytest.mark.parametrize(("counts", "said"), [((3, 11), "11 arrived of 10"), ((3, 9), "9 of 10 arrived")])
async def test_too_many_and_too_few_are_wrong(
    counts: tuple[int, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(racing, "_SETTLED", 0.05)
    monkeypatch.setattr(racing, "_STUCK", 0.05)
    with pytest.raises(Wrong, match=said):
        await crossed(_line(*counts), 10)


def _changes() -> Iterator[dict[str, Any]]:
    yield from workload.registrations(7, 5)
    yield from workload.changes(8, 5, 4000, of=7)


@pytest.mark.parametrize("commands", [workload.lives(7, 300), _changes()])
def test_every_command_that_is_sent_is_accepted_and_changes_something(commands: Iterator[dict[str, Any]]) -> None:
    model, ids = Model(), set[str]()
    for message in workload.singles(commands):
        (command,) = read_command_message(message.body, message.content_type, message.key).commands
        assert isinstance(command, Command)
        assert model.tell(command).event, command
        ids.add(command.id)
    assert len(ids) > 1000


@pytest.mark.parametrize("companies", [workload.FEWEST, 40, 60, 300])
def test_commands_of_one_company_are_further_apart_than_the_naive_peer_has_under_way(companies: int) -> None:
    turns: dict[str, list[int]] = {}
    for number, command in enumerate(workload.lives(7, companies)):
        turns.setdefault(command["subject"], []).append(number)
    assert len(turns) == companies
    assert min(later - sooner for taken in turns.values() for sooner, later in pairwise(taken)) > 10


def test_a_run_repeats_nothing_of_another_run() -> None:
    first, second = (set(islice((one["id"] for one in workload.lives(seed, 50)), 300)) for seed in (1, 2))
    assert first.isdisjoint(second)


async def test_the_meter_counts_processor_time_and_memory() -> None:
    async with metered({"this": os.getpid()}) as usage:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        await asyncio.sleep(0)
    assert usage.cpu["this"] >= 0.08
    assert usage.memory["this"] > 10
    assert 0 <= usage.stolen < 60  # since boot it may be hours


def test_the_time_that_the_host_withheld_and_that_nobody_wanted_is_read_where_proc_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stat").write_text("cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    monkeypatch.setattr(meter, "_STAT", tmp_path / "stat")
    assert meter.stolen() == 80 / os.sysconf("SC_CLK_TCK")
    assert meter.idle() == (40 + 50) / os.sysconf("SC_CLK_TCK")
