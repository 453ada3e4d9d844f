"""Differences between what the documents hold and what they must hold, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from read_service.verification.fold import ROLES, Document, Fold

MOST = 20  # differences that are named of one company
_NOTHING: Document = {}


@dataclass(slots=True)
class Held:
    """What the documents hold of one company, all of it as it was at one moment."""

    position: Document = field(default_factory=dict)
    company: Document | None = None
    users: dict[str, Document] = field(default_factory=dict)
    activity: dict[str, Document] = field(default_factory=dict)
    parked: dict[int, str] = field(default_factory=dict)  # why, by version

    @property
    def version(self) -> int:
        """How far they are; 0 without a position."""
        return int(self.position.get("version", 0))

    @property
    def skipped(self) -> list[int]:
        """The versions that were left out, because they could not be read."""
        return list(self.position.get("skipped", ()))


def differences(fold: Fold, held: Held) -> list[str]:
    """What differs, the first of it; the fold has been told the same versions."""
    found = list(islice(_all(fold, held), MOST + 1))
    return [*found[:MOST], "and more"] if len(found) > MOST else found


def _all(fold: Fold, held: Held) -> Iterator[str]:
    for version in held.skipped:
        yield f"version {version} was left out: {held.parked.get(version, 'nothing is parked of it')}"
    yield from fold.unreadable
    yield from _position(fold, held)
    yield from _document("company", fold.company, held.company)
    for name in ("users", "activity"):
        expected, found = getattr(fold, name), getattr(held, name)
        for key in sorted({*expected, *found}):
            yield from _document(f"{name} {key}", expected.get(key), found.get(key))


def _position(fold: Fold, held: Held) -> Iterator[str]:
    expected = {"version": fold.version, "status": fold.status, **fold.counts}
    if fold.version or held.position:
        names = ("version", "status", *ROLES)
        found = {name: held.position.get(name) for name in names} if held.position else None
        yield from _document("position", expected if fold.version else None, found)


def _document(what: str, expected: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> Iterator[str]:
    if expected is None and found is not None:
        yield f"{what} is too much"
    elif found is None and expected is not None:
        yield f"{what} is missing"
    elif expected is not None and found is not None:
        for name in sorted({*expected, *found}):
            if expected.get(name, _NOTHING) != found.get(name, _NOTHING):
                yield f"{what}: {name} is {found.get(name)!r} instead of {expected.get(name)!r}"
