"""The write operations that projections give, and many of them brought down to one a document."""

from collections.abc import Iterable
from typing import Any, NamedTuple

Document = dict[str, Any]


class Put(NamedTuple):
    """Store a whole document, in place of the one with this key where there is one."""

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


Write = Put | Change | Remove | Add | Count


class Writes:
    """The same effect as a sequence of writes, with one write for each document and counter at most."""

    __slots__ = ("_by_key", "added", "counts")

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        self._by_key: dict[tuple[str, str], Put | Change | Remove] = {}
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

    def by_collection(self) -> dict[str, list[Put | Change | Remove]]:
        """The writes of documents."""
        found: dict[str, list[Put | Change | Remove]] = {}
        for write in self._by_key.values():
            found.setdefault(write.collection, []).append(write)
        return found


def _together(before: Put | Change | Remove, write: Put | Change | Remove) -> Put | Change | Remove:
    if not isinstance(write, Change):
        return write
    if isinstance(before, Put):
        return before._replace(document={**before.document, **write.fields})
    if isinstance(before, Change):
        return before._replace(fields={**before.fields, **write.fields})
    return before  # what was removed has no fields to set
