"""The engine: events into documents, exactly once and in order, many in one transaction."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.linger import Linger
from read_service.projections.planning import Plan
from read_service.projections.reading import Change, Work

MOST_EVENTS = 1_000  # in one transaction: past some hundreds a larger one is no faster
MOST_BYTES = 4 * 1024 * 1024  # of messages; every document of a transaction fits into one command of 16 MB
_MOST_HELD_BYTES = MOST_BYTES // 2  # an intake hands out no more than MOST_BYTES at once

# Under load the next transaction waits so long, unless so many events have arrived already: it costs MongoDB as much
# processor time as 30 to 40 events.
LINGER_SECONDS, ENOUGH = 0.03, 100

# An event whose predecessor is on its way in another message, or at another replica, is held this long before it is
# stored apart: storing it, and taking it out again, is three writes, and makes replicas ask for what is not missing.
# Measured: three replicas, changes of 2,000 companies at random: 590 events/s with 0.05 s, 1,540 with 1 s.
HOLD_SECONDS = 1.0
# And through so many transactions: where replicas wait for each other, one takes as long as all the others' together.
# Not for ever: where each takes seconds, and the predecessor lies with a replica that is gone, a message would be held
# back until the broker takes it for lost.
_LEAST_LOOKS = 4
_LONGEST_HOLD = 5  # times the hold
_LOOK_SECONDS = 0.02


def lingering(prefetch: int) -> Linger:
    """For a service that takes so many messages at once: half of them may be held, and more cannot come."""
    return Linger(LINGER_SECONDS, min(ENOUGH, prefetch // 2))


class Settle(Protocol):
    """Takes works through a transaction, however long that takes."""

    async def __call__(self, work: Sequence[Work], patient: frozenset[int], /) -> Plan:
        """What was committed. Early events of the works at the places in `patient` may be left undone, as `held`."""


@dataclass(slots=True)
class _Waiting:
    """A message's work, what of it is still to be done, and who waits for that."""

    work: Work
    done: "asyncio.Future[None]"
    since: float
    looks: int = 0  # transactions that found it too early


class Engine:
    """Gathers work while a transaction is under way; the next takes all of it, within bounds."""

    def __init__(self, settle: Settle, *, most_held: int, linger: Linger, hold: float = HOLD_SECONDS) -> None:
        """About `most_held` messages wait for predecessors, and `_MOST_HELD_BYTES` of them: fewer than the broker hands
        out before the first is acknowledged, or those that wait would keep what they wait for from coming."""
        self._settle = settle
        self._most_held = most_held
        self._hold = hold
        self._arrived: deque[_Waiting] = deque()
        self._held: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._linger = linger
        self.stored = 0  # events that came too early and were stored apart, since the beginning

    async def apply(self, work: Work) -> None:
        """Returns when all of this work is in the documents, stored as early, or parked: durably, in any case."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived.append(_Waiting(work, done, asyncio.get_running_loop().time()))
        self._linger.arrived(work.count)
        self._wake.set()
        await done

    def drain(self, company_ids: Sequence[str]) -> None:
        """Look whether events stored for these companies are next. Returns at once."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived.append(_Waiting(Work(drain=company_ids), future, 0.0))
        self._wake.set()

    async def run(self) -> None:
        """Apply until cancelled. What is not committed by then stays with the broker."""
        taken: list[_Waiting] = []
        try:
            while True:
                await self._something()
                too_many = self._too_many()
                taken = self._take()  # those that were held come first, the oldest before all
                patient = frozenset(at for at, one in enumerate(taken) if at >= too_many and self._is_young(one))
                made = await self._settle([one.work for one in taken], patient)
                self.stored += len(made.store)
                self._finish(taken, made.held)
                if made.unfinished:
                    self.drain(made.unfinished)
                else:
                    await self._linger.after(sum(one.work.count for one in taken) - len(made.held))
        finally:
            for one in (*taken, *self._held, *self._arrived):
                one.done.cancel()

    async def _something(self) -> None:
        if self._arrived:
            return
        self._wake.clear()
        if not self._held:
            await self._wake.wait()
            return
        # What is held is looked at again: its predecessor may have come to another replica.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._wake.wait()

    def _too_many(self) -> int:
        """How many of those that are held, the oldest first, are not waited for any longer."""
        size = sum(one.work.size for one in self._held)
        number = 0
        while len(self._held) - number > self._most_held or size > _MOST_HELD_BYTES:
            size -= self._held[number].work.size
            number += 1
        return number

    def _take(self) -> list[_Waiting]:
        taken, self._held = self._held, []
        held = len(taken)
        events, size = sum(one.work.count for one in taken), sum(one.work.size for one in taken)
        # One that arrived in any case: it may be what those that are held wait for.
        while self._arrived and (
            len(taken) == held
            or (events + self._arrived[0].work.count <= MOST_EVENTS and size + self._arrived[0].work.size <= MOST_BYTES)
        ):
            taken.append(self._arrived.popleft())
            self._linger.taken(taken[-1].work.count)
            events += taken[-1].work.count
            size += taken[-1].work.size
        return taken

    def _is_young(self, one: _Waiting) -> bool:
        age = asyncio.get_running_loop().time() - one.since
        return age < self._hold or (one.looks < _LEAST_LOOKS and age < _LONGEST_HOLD * self._hold)

    def _finish(self, taken: Sequence[_Waiting], held: Sequence[Change]) -> None:
        # Every copy: one that was delivered again, because the first one's channel was lost, is the one to acknowledge.
        left = {(change.subject, change.version) for change in held}
        for one in taken:
            if left and (remaining := [it for it in one.work.changes if (it.subject, it.version) in left]):
                rest = Work(changes=remaining, size=one.work.size)
                self._held.append(_Waiting(rest, one.done, one.since, one.looks + 1))
            elif not one.done.done():
                one.done.set_result(None)
