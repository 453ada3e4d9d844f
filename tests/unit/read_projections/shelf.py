"""Documents in memory, written by plans as the database is: what the pure part of the engine is tested on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.values import folded
from read_service.projections.planning import Plan, Position, Stored, plan, wants_stored
from read_service.projections.reading import Change, Unreadable, Work
from read_service.projections.writes import Add, Count, Create, Put, Remove, Write, Writes
from read_service.projections.writes import Change as Changed
from tests.support.histories import Folded


def coalesced(writes: Writes) -> list[Write]:
    """What is left of many writes, in no order."""
    found: list[Write] = [Count(path, by) for path, by in writes.counts.items()]
    for of_documents in writes.by_collection().values():
        found += of_documents
    for added in writes.added.values():
        found += added
    return found


class Shelf:
    """Collections of documents by name and key."""

    def __init__(self, most_stored: int = 500) -> None:
        self.collections: dict[str, dict[str, dict[str, Any]]] = {}
        self.counts: dict[str, int] = {}
        self.positions: dict[str, Position] = {}
        self.ahead: dict[tuple[str, int], Change] = {}
        self.parked: set[str] = set()
        self._most_stored = most_stored

    def transact(self, work: Sequence[Work], patient: frozenset[int] = frozenset()) -> Plan:
        """What one transaction does."""
        closing = wants_stored(work, self.positions)
        made = plan(work, self.positions, {name: self.stored(name, after) for name, after in closing.items()}, patient)
        self.keep(made)
        return made

    def write(self, writes: Iterable[Write]) -> None:
        """One write after the other."""
        for write in writes:
            self._one(write)

    def folded(self) -> Folded:
        """The documents in the form of a fold."""
        found = Folded()
        for company_id, company in self.collections.get("companies", {}).items():
            rest = dict(company)
            assert rest.pop("name_key") == folded(company["name"])
            found.companies[company_id] = rest
        for key, user in self.collections.get("users", {}).items():
            rest = dict(user)
            place = rest.pop("company_id"), rest.pop("user_id")
            assert key == "/".join(place)
            found.users[place] = rest
        for key, entry in self.collections.get("activity", {}).items():
            rest = dict(entry)
            assert key == f"{rest['company_id']}/{rest['version']:010}"
            found.activity[rest.pop("company_id"), rest.pop("version")] = rest
        return found

    def versions(self) -> Mapping[str, int]:
        """The version of each company; none has early events any more."""
        assert [name for name, position in self.positions.items() if position.early] == []
        return {name: position.version for name, position in self.positions.items()}

    def stored(self, company_id: str, after: int) -> Stored:
        """What `ahead` holds of a company after a version, or the first page of it."""
        later = sorted(version for name, version in self.ahead if name == company_id and version > after)
        page = later[: self._most_stored]
        return Stored([self.ahead[company_id, version] for version in page], more=len(page) == self._most_stored)

    def keep(self, made: Plan) -> None:
        """Write what was planned."""
        for company_id, position in made.positions.items():
            before = self.positions.get(company_id, Position())
            assert (position.touched, position.version >= before.version) == (before.touched + 1, True)
        self.positions |= made.positions
        self.write(coalesced(made.writes))
        for company_id, version in made.passed.items():
            self.ahead = {at: change for at, change in self.ahead.items() if at[0] != company_id or at[1] > version}
        for change in made.store:
            place = change.subject, change.version
            self.ahead[place] = self.ahead.get(place, change) if isinstance(change, Unreadable) else change
        self.parked |= {parked.key for parked in made.parked}

    def _one(self, write: Write) -> None:
        if isinstance(write, Count):
            self.counts[write.path] = self.counts.get(write.path, 0) + write.by
            return
        documents = self.collections.setdefault(write.collection, {})
        match write:
            case Add(_, key, document):
                assert key not in documents, f"{key} is added twice"
                documents[key] = document
            case Put(_, key, document) | Create(_, key, document):
                documents[key] = document
            case Changed(_, key, fields) if key in documents:
                documents[key] = {**documents[key], **fields}
            case Remove(_, key):
                documents.pop(key, None)
