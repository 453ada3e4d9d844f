"""A company's documents made anew from its whole history, by the same projections as ever."""

from collections.abc import Iterable, Iterator
from typing import Any

from contracts.events import Outcome
from read_service.projections.planning import START, plan
from read_service.projections.reading import Parked, Work, read_one
from read_service.projections.writes import Count, Write, Writes


class BrokenLog(Exception):
    """The log leaves out a version of this company, or holds something that is no version of it."""


class Refold:
    """What becomes of the events so far; writes of one document are one write, so it is as large as the documents."""

    def __init__(self, company_id: str) -> None:
        self.company_id = company_id
        self.position = START
        self.writes = Writes()
        self.parked: list[Parked] = []
        self.events = 0

    @property
    def version(self) -> int:
        """The version reached."""
        return self.position.version

    def add(self, events: Iterable[Any]) -> None:
        """The next events of the company, in their order. Raises BrokenLog."""
        work = Work()
        for event in events:
            change = read_one(event)
            if isinstance(change, Outcome | Parked) or change.subject != self.company_id:
                raise BrokenLog(f"the log of {self.company_id} holds something else: {str(event)[:200]}")
            work.changes.append(change)
        made = plan([work], {self.company_id: self.position}, {})
        if made.store:
            raise BrokenLog(f"the log of {self.company_id} has no version {self.version + len(made.applied) + 1}")
        self.position = made.positions.get(self.company_id, self.position)
        self.parked += made.parked
        self.events += len(made.applied)
        for write in _all(made.writes):
            self.writes.append(write)


def _all(writes: Writes) -> Iterator[Write]:
    for changed in writes.by_collection().values():
        yield from changed
    for added in writes.added.values():
        yield from added
    for path, by in writes.counts.items():
        yield Count(path, by)
