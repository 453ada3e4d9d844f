"""Commands of messages that come again: together, by themselves, and parked in the end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from contracts.commands import Command
from contracts.replies import Accepted, Parked, Reply
from tests.support.eventually import eventually
from tests.unit.write_service.orders import an_id, register
from write_service import metrics
from write_service.service_layer import suspects as module
from write_service.service_layer.group_commit import GroupCommit, lingering
from write_service.service_layer.journal import Watch
from write_service.service_layer.suspects import MOST_TOGETHER, Suspects


class Died(BaseException):
    """Stands for the end of the process: nothing catches it."""


class FakeJournal:
    """A journal in memory, which outlives a Suspects as the table outlives a process."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.fails = 0

    async def deaths(self, command_ids: Sequence[str]) -> Mapping[str, int]:
        self._fail()
        return {name: self.rows[name] for name in command_ids if name in self.rows}

    @asynccontextmanager
    async def attempt(self, command_ids: Sequence[str]) -> AsyncIterator[None]:
        before = {name: self.rows[name] for name in command_ids if name in self.rows}
        for name in set(command_ids):
            self.rows[name] = self.rows.get(name, 0) + 1
        try:
            yield
        except Exception:
            self._leave(command_ids, before)
            raise
        self._leave(command_ids, {})

    def _leave(self, command_ids: Sequence[str], before: Mapping[str, int]) -> None:
        for name in set(command_ids):
            del self.rows[name]
        self.rows |= before

    async def settle(self) -> None:
        self._fail()

    async def forget(self, command_id: str) -> None:
        self.rows.pop(command_id, None)

    def _fail(self) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("away")


class Given:
    """A process that dies of some commands, and its successors."""

    def __init__(self, *killers: str) -> None:
        self.killers = killers
        self.journal = FakeJournal()
        self.runs: list[list[str]] = []
        self.inside: set[str] = set()
        self.met: list[set[str]] = []
        self.outcomes: dict[str, Reply] = {}
        self.suspects = self.restarted()

    def restarted(self) -> Suspects:
        self.watch = Watch(self.journal)
        commit = GroupCommit(self.run, max_batch=500, linger=lingering(500, 200))
        self.running = asyncio.create_task(commit.run())
        self.suspects = Suspects(commit.handle, self.journal, self.watch, self.known, deaths_allowed=2)
        return self.suspects

    async def known(self, command: Command) -> Reply | None:
        return self.outcomes.get(command.id)

    async def run(self, commands: Sequence[Command]) -> list[Reply]:
        async with self.watch.attempt(commands):
            return await self._attempt(commands)

    async def _attempt(self, commands: Sequence[Command]) -> list[Reply]:
        ids = [command.id for command in commands]
        self.runs.append(ids)
        self.inside |= set(ids)
        await asyncio.sleep(0)
        self.met.append(set(self.inside))
        self.inside -= set(ids)
        if set(ids) & set(self.killers):
            raise Died
        return [Accepted(command.id, command.subject, 1, "token") for command in commands]

    async def deliver(self, *messages: list[Command], redelivered: bool = True) -> list[list[Reply]]:
        handling = (self.suspects.handle(message, redelivered=redelivered) for message in messages)
        return await asyncio.gather(*handling)


def command() -> Command:
    return register(an_id(), "Acme")


async def test_what_comes_for_the_first_time_runs_at_once_and_is_not_written_down() -> None:
    given, one = Given(), command()
    assert await given.deliver([one], redelivered=False) == [[Accepted(one.id, one.subject, 1, "token")]]
    assert given.journal.rows == {}


async def test_messages_that_come_again_run_together_and_nobody_beside_them() -> None:
    given, one, two, other = Given(), command(), command(), command()
    await asyncio.gather(
        given.deliver([other], redelivered=False),
        given.deliver([one, two], [two]),
        given.deliver([other], redelivered=False),
    )
    again = {one.id, two.id}
    assert all(met <= again or not met & again for met in given.met)
    assert given.journal.rows == {}


async def test_a_command_that_ends_the_process_stands_alone_soon_and_is_parked_unrun() -> None:
    good, killer, last = command(), command(), command()
    given = Given(killer.id)
    with pytest.raises((Died, asyncio.CancelledError)):
        await given.deliver([good], [killer], [last])
    given.restarted()
    with pytest.raises((Died, asyncio.CancelledError)):
        await given.deliver([good], [killer], [last])
    given.restarted()
    given.runs.clear()
    told = await given.deliver([good], [killer], [last])
    assert [replies[0].status for replies in told] == ["accepted", "parked", "accepted"]
    assert isinstance(told[1][0], Parked)
    assert "2 times" in told[1][0].reason
    assert [ids for ids in given.runs if killer.id in ids] == []
    assert given.journal.rows == {}


async def test_of_a_batch_only_the_guilty_command_is_parked() -> None:
    good, killer, last = command(), command(), command()
    given = Given(killer.id)
    for _ in range(2):
        with pytest.raises((Died, asyncio.CancelledError)):
            await given.deliver([good, killer, last])
        given.restarted()
    (told,) = await given.deliver([good, killer, last])
    assert [reply.status for reply in told] == ["accepted", "parked", "accepted"]


async def test_a_journal_that_is_away_holds_everything_up_and_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    given, one = Given(), command()
    given.journal.fails = 3
    assert await given.deliver([one]) == [[Accepted(one.id, one.subject, 1, "token")]]
    assert len(given.runs) == 1
    assert given.journal.rows == {}


async def test_a_death_accuses_a_slice_and_not_all_that_came_again() -> None:
    killer, messages = command(), [[command(), command()] for _ in range(MOST_TOGETHER)]
    given = Given(killer.id)
    with pytest.raises((Died, asyncio.CancelledError)):
        await given.deliver(*messages[:80], [killer], *messages[80:])
    assert killer.id in given.journal.rows
    assert len(given.journal.rows) <= MOST_TOGETHER
    given.restarted()
    given.runs.clear()
    await given.deliver(*messages)
    assert sum(len(ids) == 1 for ids in given.runs) < MOST_TOGETHER
    assert given.journal.rows.keys() <= {killer.id}


async def test_what_has_its_outcome_is_answered_with_it_and_not_parked() -> None:
    given, one = Given(), command()
    known = given.outcomes[one.id] = Accepted(one.id, one.subject, 1, "token", repeated=True)
    given.journal.rows[one.id] = 2
    assert await given.deliver([one]) == [[known]]
    assert (given.runs, given.journal.rows) == ([], {})


async def test_while_messages_are_under_suspicion_a_metric_says_so() -> None:
    given, one = Given(), command()
    given.journal.fails = 1
    delivering = asyncio.create_task(given.deliver([one], [one]))
    await eventually(lambda: not given.journal.fails)
    assert metrics.REGISTRY.get_sample_value("registrar_write_suspects") == 2
    delivering.cancel()
    await asyncio.wait([delivering])
    assert metrics.REGISTRY.get_sample_value("registrar_write_suspects") == 0
