"""The import: companies are registered first, in the order of the file, then what belongs to them, much at once."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from contracts.client import Client
from contracts.failures import ClientError
from contracts.import_outcomes import RowOutcome, outcome
from contracts.import_plan import Planned
from contracts.replies import Accepted, Reply

# What is held in memory at once. Groups begin small, so that a short file shows its progress too, and grow.
_GROUPS = 4
_FIRST_ROWS, _MOST_ROWS = 10, 1_000
_MOST_COMMANDS = 5_000

Item = Planned | RowOutcome
"""A row to be sent, or what became of one that cannot be."""


@dataclass(slots=True)
class _Group:
    items: list[Item] = field(default_factory=list)
    commands: int = 0
    replies: dict[int, dict[int, Reply]] = field(default_factory=lambda: defaultdict(dict))  # by line, by place

    def rows(self) -> list[Planned]:
        return [item for item in self.items if isinstance(item, Planned)]

    def outcomes(self) -> Iterator[RowOutcome]:
        for item in self.items:
            yield item if isinstance(item, RowOutcome) else outcome(item, self.replies[item.line])


@dataclass(slots=True)
class Import:
    """Sends the rows with a client; `report` hears what became of each in the order of the file.

    `answered` hears how many commands were answered, as replies come in.
    """

    client: Client
    report: Callable[[RowOutcome], None]
    answered: Callable[[int], None]
    timeout: float
    _under_way: deque[tuple[_Group, asyncio.Task[None]]] = field(default_factory=deque)

    async def run(self, items: Iterable[Item]) -> None:
        """Import all of them. Raises ClientError when it cannot go on; every row that was sent is reported before."""
        groups = _groups(items)
        try:
            group = next(groups, None)
            while group is not None:
                group = await self._take(group, groups)
        finally:
            await self._settle()

    async def _take(self, group: _Group, groups: Iterator[_Group]) -> _Group | None:
        """Register a group and let it be completed. Returns the next group, which was read in the meantime."""
        # One group after the other: of two rows about one company the first registers it, always.
        registering = asyncio.create_task(self._send(group, [(row, 0) for row in group.rows()]))
        self._under_way.append((group, registering))
        upcoming, _ = await asyncio.gather(asyncio.to_thread(next, groups, None), registering)
        self._under_way[-1] = (group, asyncio.create_task(self._complete(group)))
        if len(self._under_way) == _GROUPS:
            await self._finish_oldest()
        return upcoming

    async def _complete(self, group: _Group) -> None:
        # What belongs to a row that was rejected is not sent: it would go to somebody else's company.
        registered = [row for row in group.rows() if isinstance(group.replies[row.line].get(0), Accepted)]
        await self._send(group, [(row, place) for row in registered for place in range(1, len(row.commands))])

    async def _send(self, group: _Group, places: list[tuple[Planned, int]]) -> None:
        def told(first: int, replies: list[Reply]) -> None:
            for (row, place), reply in zip(places[first:], replies, strict=False):
                group.replies[row.line][place] = reply
            self.answered(len(replies))

        commands = [row.commands[place] for row, place in places]
        await self.client.send_many(commands, timeout=self.timeout, progress=told)

    async def _finish_oldest(self) -> None:
        group, task = self._under_way[0]
        try:
            await task
        finally:
            self._under_way.popleft()
            for row in group.outcomes():
                self.report(row)

    async def _settle(self) -> None:
        """Report what is under way, however it ends; raise the first failure."""
        failure: ClientError | None = None
        while self._under_way:
            try:
                await self._finish_oldest()
            except ClientError as failed:
                failure = failure or failed
        if failure is not None:
            raise failure


def _groups(items: Iterable[Item]) -> Iterator[_Group]:
    group, most = _Group(), _FIRST_ROWS
    for item in items:
        group.items.append(item)
        group.commands += len(item.commands) if isinstance(item, Planned) else 0
        if len(group.items) >= most or group.commands >= _MOST_COMMANDS:
            yield group
            group, most = _Group(), min(2 * most, _MOST_ROWS)
    if group.items:
        yield group
