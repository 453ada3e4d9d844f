"""Documents as the projections write them, made by the test itself."""

import uuid
from datetime import UTC, datetime
from typing import Any

from contracts.values import folded

Document = dict[str, Any]

TIME = "2026-11-23T10:00:00Z"


def new_id() -> str:
    """An id."""
    return str(uuid.uuid4())


def company(name: str = "Acme", **differing: Any) -> Document:
    """A document of `companies`."""
    return {
        "_id": new_id(),
        "name": name,
        "name_key": folded(name),
        "status": "registered",
        "status_reason": None,
        "seat_limit": 5,
        "users": {"owner": 0, "admin": 0, "member": 0},
        "version": 1,
        "registered_at": TIME,
        "updated_at": TIME,
    } | differing


def user(company_id: str, email: str | None = "ada@acme.example", **differing: Any) -> Document:
    """A document of `users`."""
    user_id = differing.get("user_id") or new_id()
    return {
        "_id": f"{company_id}/{user_id}",
        "company_id": company_id,
        "user_id": user_id,
        "email": email,
        "full_name": "Ada Lovelace",
        "role": "member",
        "added_at": TIME,
        "updated_at": TIME,
    } | differing


def activity(company_id: str, version: int, **differing: Any) -> Document:
    """A document of `activity`."""
    return {
        "_id": f"{company_id}/{version:010}",
        "event_id": new_id(),
        "company_id": company_id,
        "version": version,
        "type": "company.renamed.v1",
        "time": TIME,
        "command_id": new_id(),
        "actor": None,
        "data": {"name": f"name {version}", "previous_name": f"name {version - 1}"},
    } | differing


def outcome(kind: str, **differing: Any) -> Document:
    """A document of `outcomes`."""
    about = {"code": "name_taken", "message": "Another company has this name.", "details": {"name": "Acme"}}
    return {
        "_id": new_id(),
        "kind": kind,
        "company_id": new_id(),
        "command_type": "company.rename.v1",
        **(about if kind == "rejected" else {}),
        "time": TIME,
        "at": datetime.now(UTC),
    } | differing


def position(company_id: str, version: int, **differing: Any) -> Document:
    """A document of `positions`."""
    return {"_id": company_id, "version": version} | differing
