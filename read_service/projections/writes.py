"""The write operations that projections give, and many of them brought down to one a document."""

from collections.abc import Iterable
from typing import Any, NamedTuple

Document = dict[str, Any]


class Put(NamedTuple):
    """Store a whole document, in place of the one with this key where there is one."""

    collection: str
    key: str
    document: Document


class Create(NamedTuple):
    """Store a document of which the events say that it is new; changed and removed later like any other."""

    collection: str
    key: str
    document: Document


class Change(NamedTuple):
    """Set fields of the document with this key; nothing where there is none."""

    collection: str
    key: str
    fields: Document


class Remove(NamedTuple):
    """Remove the document with this key."""

    collection: str
    key: str


class Add(NamedTuple):
    """Store a document that certainly is new, and that nothing changes later."""

    collection: str
    key: str
    document: Document


class Count(NamedTuple):
    """Raise a counter of the statistics, named by its path."""

    path: str
    by: int


Keyed = Put | Create | Change | Remove
Write = Keyed | Add | Count


class Writes:
    """The same effect as a sequence of writes, with one write for each document and counter at most."""

    __slots__ = ("_by_key", "added", "counts")

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._by_key: dict[tuple[str, str], Keyed] = {}
        self.added: dict[str, list[Add]] = {}
        self.counts: dict[str, int] = {}
        for write in writes:
            self.append(write)

    def append(self, write: Write) -> None:
        """One more, after all the others."""
        if isinstance(write, Add):
            self.added.setdefault(write.collection, []).append(write)
        elif isinstance(write, Count):
            self.counts[write.path] = self.counts.get(write.path, 0) + write.by
        else:
            place = write[0], write[1]
            before = self._by_key.get(place)
            self._by_key[place] = write if before is None else _together(before, write)

    def by_collection(self) -> dict[str, list[Keyed]]:
        """The writes of documents."""
        found: dict[str, list[Keyed]] = {}
        for write in self._by_key.values():
            found.setdefault(write.collection, []).append(write)
        return found


def _together(before: Keyed, write: Keyed) -> Keyed:
    match before, write:
        case ((Put() | Create()), Change()):
            return before._replace(document={**before.document, **write.fields})
        case Change(), Change():
            return before._replace(fields={**before.fields, **write.fields})
        case Remove(), Change():
            return before  # what was removed has no fields to set
        case ((Put() | Change() | Remove()), Create()):
            return Put(*write)  # what was there before all of them may be there still
    return write
