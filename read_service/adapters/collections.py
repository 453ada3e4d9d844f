"""The collections of one generation of documents: their names, and the index behind every query."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from read_service.projections.activity import key_of

COMPANIES, USERS, ACTIVITY, STATISTICS, OUTCOMES = "companies", "users", "activity", "statistics", "outcomes"
POSITIONS, AHEAD, PARKED, REPAIRS, TURNS = "positions", "ahead", "parked", "repairs", "turns"
NAMES = (COMPANIES, USERS, ACTIVITY, STATISTICS, OUTCOMES, POSITIONS, AHEAD, PARKED, REPAIRS, TURNS)

# One for the whole service: which generation is active.
GENERATIONS = "generations"


class Index(NamedTuple):
    """The keys of an index in their order, and its options."""

    keys: Sequence[tuple[str, int]]
    options: Mapping[str, Any] = {}


def _ascending(*fields: str) -> Index:
    return Index([(field, 1) for field in fields])


def indexes(outcomes_kept: float) -> dict[str, list[Index]]:
    """Every index, by collection; outcomes are forgotten so many seconds after their event."""
    return {
        # Lists of all statuses, or roles, merge what these hold of each (views/pages.py, of_any): an index costs an
        # update that changes a field of any of them 10 us of the server's time, also where its own fields stay.
        COMPANIES: [_ascending("status", key, "_id") for key in ("name_key", "registered_at", "updated_at")],
        USERS: [
            _ascending("company_id", "role", "email", "user_id"),
            _ascending("email", "company_id", "user_id"),
        ],
        ACTIVITY: [_ascending("command_id", "version")],  # the key of an entry is its place
        OUTCOMES: [Index([("at", 1)], {"expireAfterSeconds": int(outcomes_kept)})],
        # Few companies have a gap, so that these are small whatever the number of companies.
        POSITIONS: [
            Index([("early", 1)], {"partialFilterExpression": {"early": True}}),
            Index([("skipped", 1)], {"partialFilterExpression": {"skipped": {"$exists": True}}}),
        ],
        AHEAD: [_ascending("_id.company")],
        PARKED: [
            _ascending("state", "parked_at"),
            _ascending("company_id"),
            Index([("closed_at", 1)], {"expireAfterSeconds": int(outcomes_kept)}),
        ],
        # What was asked for and never came is forgotten once nobody asks any more: a token may have been made up.
        REPAIRS: [Index([("asked_at", 1)], {"expireAfterSeconds": 24 * 3600}), _ascending("state")],
    }


def entries_of(company_id: str, before: int | None = None) -> dict[str, Any]:
    """The condition for a company's activity, or for what of it is before a version."""
    end = f"{company_id}0" if before is None else key_of(company_id, before)  # "0" follows "/"
    return {"_id": {"$gt": f"{company_id}/", "$lt": end}}


def name_of(name: str, generation: int) -> str:
    """The name of a collection in a generation."""
    return f"{name}.g{generation}"
