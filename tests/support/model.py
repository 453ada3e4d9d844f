"""The rules of companies once more, written from the specification and sharing nothing with the service: an oracle."""

# ruff: noqa: ARG002 - all rules have one signature

import unicodedata
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Held:
    """A company in the model."""

    version: int = 0
    status: str = ""
    name: str = ""
    seats: int = 0
    users: dict[str, dict[str, str]] = field(default_factory=dict)

    def owners(self) -> int:
        return [user["role"] for user in self.users.values()].count("owner")


@dataclass(frozen=True)
class Verdict:
    """What the model says about a command: a version and perhaps an event, or a code."""

    code: str | None = None
    version: int | None = None
    event: tuple[str, dict[str, Any]] | None = None


def same_name(one: str, other: str) -> bool:
    def key(name: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", name).casefold().split())

    return key(one) == key(other)


class Model:
    """All companies, after the commands that it was told, in their order."""

    def __init__(self) -> None:
        self.companies: dict[str, Held] = {}
        self.verdicts: dict[str, Verdict] = {}

    def tell(self, command: Any) -> Verdict:
        """The outcome of a command; of a repeat, the first one."""
        if command.id not in self.verdicts:
            self.verdicts[command.id] = self._decide(command)
        return self.verdicts[command.id]

    def _decide(self, command: Any) -> Verdict:
        kind, data = command.type.removesuffix(".v1"), command.data.model_dump()
        held = self.companies.get(command.subject, Held())
        code = self._shared(kind, held, command.expectedversion) or getattr(self, _method("deny", kind))(
            command.subject, held, data
        )
        if code:
            return Verdict(code=code)
        event = getattr(self, _method("do", kind))(held, data)
        if event:
            held.version += 1
            self.companies[command.subject] = held
        return Verdict(version=held.version, event=event)

    def _shared(self, kind: str, held: Held, expected: int | None) -> str | None:
        if kind == "company.register":
            if held.version:
                return "company_already_exists"
        elif not held.version:
            return "company_not_found"
        elif held.status == "closed":
            return "company_closed"
        return "version_conflict" if expected is not None and expected != held.version else None

    def _name_taken(self, company_id: str, name: str) -> str | None:
        others = (held for other, held in self.companies.items() if other != company_id and held.status != "closed")
        return "name_taken" if any(same_name(held.name, name) for held in others) else None

    def deny_company_register(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._name_taken(company_id, data["name"])

    def deny_company_rename(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._name_taken(company_id, data["name"])

    def deny_company_activate(self, company_id: str, held: Held, data: Any) -> str | None:
        if held.status == "active":
            return "invalid_transition"
        return None if held.owners() else "owner_required"

    def deny_company_suspend(self, company_id: str, held: Held, data: Any) -> str | None:
        return None if held.status == "active" else "invalid_transition"

    def deny_company_close(self, company_id: str, held: Held, data: Any) -> str | None:
        return None

    def deny_company_change_seat_limit(self, company_id: str, held: Held, data: Any) -> str | None:
        return "seat_limit_below_users" if data["seat_limit"] < len(held.users) else None

    def deny_user_add(self, company_id: str, held: Held, data: Any) -> str | None:
        if held.status == "suspended":
            return "company_suspended"
        if len(held.users) >= held.seats:
            return "seat_limit_reached"
        if data["user_id"] in held.users:
            return "user_already_exists"
        return self._email_taken(held, data)

    def deny_user_change_role(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._missing(held, data) or (self._last(held, data) if data["role"] != "owner" else None)

    def deny_user_rename(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._missing(held, data)

    def deny_user_change_email(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._missing(held, data) or self._email_taken(held, data)

    def deny_user_remove(self, company_id: str, held: Held, data: Any) -> str | None:
        return self._missing(held, data) or self._last(held, data)

    def _missing(self, held: Held, data: Any) -> str | None:
        return None if data["user_id"] in held.users else "user_not_found"

    def _last(self, held: Held, data: Any) -> str | None:
        is_owner = held.users[data["user_id"]]["role"] == "owner"
        return "last_owner" if held.status == "active" and is_owner and held.owners() == 1 else None

    def _email_taken(self, held: Held, data: Any) -> str | None:
        others = (user["email"] for user_id, user in held.users.items() if user_id != data["user_id"])
        return "email_taken" if data["email"] in others else None

    def do_company_register(self, held: Held, data: Any) -> Any:
        held.status, held.name, held.seats = "registered", data["name"], data["seat_limit"]
        return "company.registered.v1", data

    def do_company_rename(self, held: Held, data: Any) -> Any:
        if data["name"] == held.name:
            return None
        before, held.name = held.name, data["name"]
        return "company.renamed.v1", {"name": held.name, "previous_name": before}

    def do_company_activate(self, held: Held, data: Any) -> Any:
        held.status = "active"
        return "company.activated.v1", {}

    def do_company_suspend(self, held: Held, data: Any) -> Any:
        held.status = "suspended"
        return "company.suspended.v1", data

    def do_company_close(self, held: Held, data: Any) -> Any:
        held.status = "closed"
        return "company.closed.v1", data

    def do_company_change_seat_limit(self, held: Held, data: Any) -> Any:
        if data["seat_limit"] == held.seats:
            return None
        before, held.seats = held.seats, data["seat_limit"]
        return "company.seat_limit_changed.v1", {"seat_limit": held.seats, "previous_seat_limit": before}

    def do_user_add(self, held: Held, data: Any) -> Any:
        held.users[data["user_id"]] = {name: data[name] for name in ("email", "full_name", "role")}
        return "user.added.v1", data

    def do_user_change_role(self, held: Held, data: Any) -> Any:
        user = held.users[data["user_id"]]
        if user["role"] == data["role"]:
            return None
        before, user["role"] = user["role"], data["role"]
        return "user.role_changed.v1", {**data, "previous_role": before}

    def do_user_rename(self, held: Held, data: Any) -> Any:
        return self._set(held, data, "full_name", "user.renamed.v1")

    def do_user_change_email(self, held: Held, data: Any) -> Any:
        return self._set(held, data, "email", "user.email_changed.v1")

    def do_user_remove(self, held: Held, data: Any) -> Any:
        return "user.removed.v1", {**data, "role": held.users.pop(data["user_id"])["role"]}

    def _set(self, held: Held, data: Any, name: str, event: str) -> Any:
        user = held.users[data["user_id"]]
        if user[name] == data[name]:
            return None
        user[name] = data[name]
        return event, data


def _method(verb: str, kind: str) -> str:
    return f"{verb}_{kind.replace('.', '_')}"
