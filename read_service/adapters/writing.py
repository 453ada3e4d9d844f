"""A plan as commands of MongoDB's wire protocol: one for each kind of write on a collection.

The driver's bulk API makes an object for every operation, and checks it; the server's own commands are plain documents.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from read_service.adapters.collections import AHEAD, PARKED, POSITIONS, STATISTICS, name_of
from read_service.adapters.mongo import Document
from read_service.projections.planning import Plan, Position
from read_service.projections.reading import Change, Parked, Unreadable
from read_service.projections.writes import Change as Changed
from read_service.projections.writes import Put, Remove

_LAST = 2**31


def place(company_id: str, version: int | None) -> Document:
    """The key of an early event; without a version one after all of its company."""
    return {"company": company_id, "version": _LAST if version is None else version}


def commands(plan: Plan, generation: int, slot: int) -> Iterator[Document]:
    """The commands, positions first."""

    def update(name: str, updates: list[Document]) -> Iterator[Document]:
        if updates:
            yield {"update": name_of(name, generation), "updates": updates}

    def delete(name: str, deletes: list[Document]) -> Iterator[Document]:
        if deletes:
            yield {"delete": name_of(name, generation), "deletes": deletes}

    yield from update(POSITIONS, [_position(*one) for one in plan.positions.items()])
    yield from update(STATISTICS, list(_counts(plan, slot)))
    for name, writes in plan.writes.by_collection().items():
        yield from update(name, [_update(write) for write in writes if not isinstance(write, Remove)])
        yield from delete(name, [_by_key(write.key) for write in writes if isinstance(write, Remove)])
    for name, added in plan.writes.added.items():
        documents = [{"_id": one.key, **one.document} for one in added]
        yield {"insert": name_of(name, generation), "documents": documents}
    yield from delete(AHEAD, [_passed(*one) for one in plan.passed.items()])
    yield from update(AHEAD, [_early(change) for change in plan.store])
    yield from update(PARKED, [step for one in plan.parked for step in parking(one)])


def _position(company_id: str, position: Position) -> Document:
    standing = position.standing
    document: Document = {"version": position.version, "status": standing.status, **standing.users}
    document["touched"] = position.touched
    if position.early:
        document["early"] = True
    if position.skipped:
        document["skipped"] = list(position.skipped)
    return _upsert(company_id, document)


def _update(write: Put | Changed) -> Document:
    if isinstance(write, Put):
        return _upsert(write.key, write.document)
    return {"q": {"_id": write.key}, "u": {"$set": write.fields}}


def _upsert(key: Any, document: Document) -> Document:
    return {"q": {"_id": key}, "u": document, "upsert": True}


def _by_key(key: str) -> Document:
    return {"q": {"_id": key}, "limit": 1}


def _counts(plan: Plan, slot: int) -> Iterator[Document]:
    moved = {path: by for path, by in plan.writes.counts.items() if by}
    if moved:
        yield {"q": {"_id": slot}, "u": {"$inc": moved}, "upsert": True}


def _passed(company_id: str, version: int) -> Document:
    return {"q": {"_id": {"$gt": place(company_id, -1), "$lte": place(company_id, version)}}, "limit": 0}


def _early(change: Change) -> Document:
    key = place(change.subject, change.version)
    if isinstance(change, Unreadable):  # a copy that can be read may be there already
        return {"q": {"_id": key}, "u": {"$setOnInsert": {"body": change.parked.body}}, "upsert": True}
    return _upsert(key, {"body": change.model_dump_json().encode()})


def parking(parked: Parked) -> Iterator[Document]:
    """The updates that put this into our custody."""
    # A case that is open stays as it is: the message came again because its acknowledgement was lost. One that was
    # resent or dropped is open again: it failed once more.
    about = {
        "kind": parked.kind,
        "reason": parked.reason,
        "parked_at": datetime.now(UTC),
        "state": "open",
    }
    what = {"body": parked.body, "company_id": parked.company_id, "version": parked.version, "type": parked.type}
    again = {"$set": about, "$inc": {"tries": 1}, "$unset": {"closed_at": ""}}
    yield {"q": {"_id": parked.key, "state": {"$ne": "open"}}, "u": again}
    yield {"q": {"_id": parked.key}, "u": {"$setOnInsert": {**about, **what, "tries": 1}}, "upsert": True}
