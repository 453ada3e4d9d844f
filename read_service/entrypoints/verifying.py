"""Comparing documents with the log: of all companies in one pass, or of some; only what stays different counts."""

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from read_service.adapters.checking import Checked, between, named
from read_service.entrypoints.log import Event, EventLog
from read_service.verification.comparing import Held, differences
from read_service.verification.fold import Fold

LOOKS = 5  # at companies whose last events may be on their way
MOMENT = 1.0  # seconds between two looks
_TOGETHER = 100  # companies looked at in one go


@dataclass(slots=True)
class Report:
    """What was compared, and what differs."""

    companies: int = 0
    events: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)
    statistics: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not self.statistics


class Verifying:
    """Compares documents with the log while both go on."""

    def __init__(self, log: EventLog, checked: Checked) -> None:
        self._log = log
        self._checked = checked
        self.report = Report()

    async def all(self) -> None:
        """Compare every company that the log or the documents know. Raises NotAnswered or StoreAway."""
        folds: dict[str, Fold] = {}
        before = ""
        async for page in self._log.all():
            self.report.events += len(page)
            _tell(folds, page)
            last = page[-1]["subject"]  # perhaps not yet with all its events
            if len(folds) > 1:
                reading = folds.pop(last)
                end = max(folds)
                await self._whole(before, end, folds)
                before, folds = end, {last: reading}
        await self._whole(before, None, folds)

    async def some(self, company_ids: Iterable[str]) -> None:
        """Compare these companies. Raises NotAnswered or StoreAway."""
        wanted = sorted(set(company_ids))
        self.report.companies += len(wanted)
        for start in range(0, len(wanted), _TOGETHER):
            await self._closely(wanted[start : start + _TOGETHER])

    async def sample(self, count: int) -> list[str]:
        """So many companies at random, of those in the log; fewer where there are not so many. Raises NotAnswered."""
        found: set[str] = set()
        for _ in range(2 * count):
            if len(found) >= count:
                break
            heads = await self._log.heads(str(uuid.uuid4()), 1) or await self._log.heads(None, 1)
            found.update(head.company_id for head in heads)
        return sorted(found)

    async def statistics(self) -> None:
        """Compare the counters with the positions, whose counts are compared with the log. Raises StoreAway."""
        found, expected = await self._checked.statistics()
        self.report.statistics = [
            f"{path} is {found.get(path, 0)} instead of {expected.get(path, 0)}"
            for path in sorted({*found, *expected})
            if found.get(path) != expected.get(path)
        ]

    async def _whole(self, after: str, up_to: str | None, folds: dict[str, Fold]) -> None:
        # The log was read before the documents, which may be ahead of it: who differs is looked at closely.
        held = await self._checked.held(between(after, up_to))
        companies = sorted({*folds, *held})
        self.report.companies += len(companies)
        differ = [name for name in companies if _differ(folds.get(name), held.get(name), name)]
        for start in range(0, len(differ), _TOGETHER):
            await self._closely(differ[start : start + _TOGETHER])

    async def _closely(self, company_ids: Sequence[str]) -> None:
        """First the documents, then the log, which is never behind them: exact at the documents' versions."""
        behind = list(company_ids)
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(MOMENT)
            held = await self._checked.held(named(behind))
            folds, heads = await self._folded(behind, held)
            for name in behind:
                self._note(name, folds[name], held.get(name, Held()), heads.get(name, 0))
            behind = [name for name in behind if heads.get(name, 0) > held.get(name, Held()).version]
            if not behind:
                return

    async def _folded(self, names: Sequence[str], held: dict[str, Held]) -> tuple[dict[str, Fold], dict[str, int]]:
        folds, heads = {name: Fold(name) for name in names}, dict[str, int]()
        async for page in self._log.of(names):
            for event in page:
                name = event["subject"]
                heads[name] = event["version"]
                there = held.get(name, Held())
                if event["version"] in there.skipped:
                    folds[name].skip(event)
                elif event["version"] <= there.version:
                    folds[name].add(event)
        return folds, heads

    def _note(self, name: str, fold: Fold, held: Held, head: int) -> None:
        found = differences(fold, held)
        if head > held.version:
            found.insert(0, f"the documents are at version {held.version} of {head}")
        if found:
            self.report.differences[name] = found
        else:
            self.report.differences.pop(name, None)


def _tell(folds: dict[str, Fold], events: Iterable[Event]) -> None:
    for event in events:
        name = event["subject"]
        if name not in folds:
            folds[name] = Fold(name)
        folds[name].add(event)


def _differ(fold: Fold | None, held: Held | None, name: str) -> bool:
    fold, held = fold or Fold(name), held or Held()
    return bool(differences(fold, held))
