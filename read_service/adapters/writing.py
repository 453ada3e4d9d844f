"""A plan as commands of MongoDB's wire protocol: one for each kind of write on a collection.

The driver's bulk API makes an object for every operation, and checks it; the server's own commands are plain documents.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from read_service.adapters.collections import AHEAD, PARKED, POSITIONS, STATISTICS, name_of
from read_service.adapters.mongo import Document
from read_service.projections.planning import Plan, Position
from read_service.projections.reading import Change, Parked, Unreadable
from read_service.projections.writes import Change as Changed
from read_service.projections.writes import Create, Keyed, Put, Remove

_LAST = 2**31
# Measured: another command costs 0.6 ms of the server's time and ours together, an insert saves 20 to 50 us.
_WORTH_A_COMMAND = 20
_OPERATIONS = {"insert": "documents", "update": "updates", "delete": "deletes"}
_Step = tuple[str, str, list[Document]]  # verb, collection, operations


def place(company_id: str, version: int | None) -> Document:
    """The key of an early event; without a version one after all of its company."""
    return {"company": company_id, "version": _LAST if version is None else version}


def commands(plan: Plan, generation: int, slot: int, *, wary: bool = False) -> Iterator[Document]:
    """The commands, positions first.

    Many that are new are inserted, less work than writing them over what may be there; `wary` does not trust in it.
    """
    for verb, name, operations in _steps(plan, slot, wary=wary):
        if operations:
            yield {verb: name_of(name, generation), _OPERATIONS[verb]: operations}


def _steps(plan: Plan, slot: int, *, wary: bool) -> Iterator[_Step]:
    new = {key: _always(at) | _at_times(at) for key, at in plan.positions.items() if at.is_new}
    changed = [_position(key, at) for key, at in plan.positions.items() if not at.is_new]
    yield from _stored(POSITIONS, new, changed, wary=wary)
    yield "update", STATISTICS, list(_counts(plan, slot))
    for name, writes in plan.writes.by_collection().items():
        yield from _documents(name, writes, wary=wary)
    for name, added in plan.writes.added.items():
        yield "insert", name, [_named(one.key, one.document) for one in added]
    yield "delete", AHEAD, [_passed(*one) for one in plan.passed.items()]
    yield "update", AHEAD, [_early(change) for change in plan.store]
    yield "update", PARKED, [step for one in plan.parked for step in parking(one)]


def _documents(name: str, writes: Iterable[Keyed], *, wary: bool) -> Iterator[_Step]:
    new, changed, gone = dict[str, Document](), list[Document](), list[Document]()
    for write in writes:
        match write:
            case Create():
                new[write.key] = write.document
            case Put():
                changed.append(_upsert(write.key, write.document))
            case Changed():
                changed.append({"q": {"_id": write.key}, "u": {"$set": write.fields}})
            case Remove():
                gone.append({"q": {"_id": write.key}, "limit": 1})
    yield from _stored(name, new, changed, wary=wary)
    yield "delete", name, gone


def _stored(name: str, new: Mapping[str, Document], changed: list[Document], *, wary: bool) -> Iterator[_Step]:
    if wary or (changed and len(new) < _WORTH_A_COMMAND):
        yield "update", name, [_upsert(*one) for one in new.items()] + changed
    else:
        yield "insert", name, [_named(*one) for one in new.items()]
        yield "update", name, changed


def _named(key: str, document: Document) -> Document:
    return {"_id": key, **document}


def _position(company_id: str, position: Position) -> Document:
    # Fields instead of the whole document: the server looks at the indexes only where their fields change.
    there = _at_times(position)
    gone = {name: "" for name in ("early", "skipped") if name not in there}
    change: Document = {"$set": {**_always(position), **there}}
    return {"q": {"_id": company_id}, "u": {**change, "$unset": gone} if gone else change, "upsert": True}


def _always(position: Position) -> Document:
    standing = position.standing
    return {"version": position.version, "status": standing.status, **standing.users, "touched": position.touched}


def _at_times(position: Position) -> Document:
    document: Document = {}
    if position.early:
        document["early"] = True
    if position.skipped:
        document["skipped"] = list(position.skipped)
    return document


def _upsert(key: Any, document: Document) -> Document:
    return {"q": {"_id": key}, "u": document, "upsert": True}


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
