"""Making work smaller until the one event that the database refuses stands alone, and what becomes of that one."""

from collections.abc import Mapping, Sequence

from contracts.events import CompanyEvent, Outcome
from read_service.projections.planning import Stored
from read_service.projections.reading import REFUSED, Change, Parked, Unreadable, Work


def parts_of(work: Sequence[Work]) -> list[Work]:
    """The same in smaller parts, in order; one part where it is one event, or the stored ones of one company."""
    changes = sorted((change for one in work for change in one.changes), key=lambda change: change.version)
    outcomes = [outcome for one in work for outcome in one.outcomes]
    parked = [parked for one in work for parked in one.parked]
    everything = [*changes, *outcomes, *parked]
    half = (len(everything) + 1) // 2
    halves = [_gathered(part) for part in (everything[:half], everything[half:]) if part]
    return [*halves, *(Work(drain=[company_id]) for one in work for company_id in one.drain)]


def condemned(work: Work, reason: str) -> Work:
    """The one event of this work as parked; a version of a company is passed, and remembered as skipped."""
    changes = [_condemned(change, reason) for change in work.changes]
    return Work(
        changes=changes, parked=[_refused(outcome, reason, None) for outcome in work.outcomes], drain=work.drain
    )


def first_stored(stored: Mapping[str, Stored], most: int) -> dict[str, Stored]:
    """So many of the stored events; it is left open whether there are more."""
    return {company_id: Stored(found.changes[:most], more=True) for company_id, found in stored.items()}


def condemned_stored(stored: Mapping[str, Stored], reason: str) -> dict[str, Stored]:
    """Stored events as parked."""
    return {
        company_id: Stored([_condemned(change, reason) for change in found.changes], found.more)
        for company_id, found in stored.items()
    }


def _gathered(parts: Sequence[CompanyEvent | Unreadable | Outcome | Parked]) -> Work:
    return Work(
        changes=[part for part in parts if isinstance(part, CompanyEvent | Unreadable)],
        outcomes=[part for part in parts if isinstance(part, Outcome)],
        parked=[part for part in parts if isinstance(part, Parked)],
    )


def _condemned(change: Change, reason: str) -> Change:
    if isinstance(change, Unreadable):
        return change
    return Unreadable(change.subject, change.version, _refused(change, reason, change.version))


def _refused(event: CompanyEvent | Outcome, reason: str, version: int | None) -> Parked:
    body = event.model_dump_json().encode()
    # By its place: the id may be what is wrong with it, being another event's too.
    key = event.id if version is None else f"{event.subject}/{version}"
    return Parked(key, REFUSED, reason[:1000], body, event.subject, version, event.type)
