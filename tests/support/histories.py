"""Histories of companies as events on the wire, made at random by the rules, and what readers must see of them."""

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts.commands import COMMANDS
from tests.support.model import Model

Event = dict[str, Any]

_ROLES = ("owner", "admin", "member")


def histories(seed: int, companies: int, events: int) -> list[Event]:
    """So many events at least, of so many companies, in one order in which they can have happened."""
    chance, model, log = random.Random(seed), Model(), list[Event]()
    ids = [_uuid(chance) for _ in range(companies)]
    while len(log) < events:
        for company_id in ids:
            log += _told(model, chance, company_id, closes_after=events // companies)
    return log


def _told(model: Model, chance: random.Random, company_id: str, *, closes_after: int) -> Iterator[Event]:
    command = _command(model, chance, company_id, closes_after=closes_after)
    verdict = model.tell(command)
    if verdict.event is None:
        return
    kind, data = verdict.event
    second, micro = divmod(chance.randrange(10**9), 10**6)
    yield {
        "specversion": "1.0",
        "id": _uuid(chance),
        "source": "/registrar/write_service",
        "type": kind,
        "subject": company_id,
        "time": f"2026-11-25T00:{second // 60 % 60:02}:{second % 60:02}.{micro:06}Z",
        "datacontenttype": "application/json",
        "version": verdict.version,
        "commandid": command.id,
        "actor": chance.choice([None, "ann"]),
        "data": data,
    }


def _command(model: Model, chance: random.Random, company_id: str, *, closes_after: int) -> Any:
    held = model.companies.get(company_id)
    if held is None:
        kind, data = "company.register", {"name": f"Company {_uuid(chance)}", "seat_limit": chance.randint(3, 20)}
    else:
        kind, data = _next(held, chance, closes_after=closes_after)
    envelope = {"specversion": "1.0", "id": _uuid(chance), "source": "/tests", "subject": company_id}
    return COMMANDS[f"{kind}.v1"].model_validate({**envelope, "type": f"{kind}.v1", "data": data})


def _next(held: Any, chance: random.Random, *, closes_after: int) -> tuple[str, dict[str, Any]]:
    somebody = chance.choice([*held.users, _uuid(chance)])
    person = {"user_id": _uuid(chance), "email": f"{_uuid(chance)}@people.example", "full_name": "Ada Lovelace"}
    choices: list[tuple[float, str, dict[str, Any]]] = [
        (30, "user.add", {**person, "role": chance.choice(_ROLES)}),
        (8, "user.remove", {"user_id": somebody}),
        (8, "user.change_role", {"user_id": somebody, "role": chance.choice(_ROLES)}),
        (6, "user.rename", {"user_id": somebody, "full_name": f"Name {chance.randrange(9)}"}),
        (6, "user.change_email", {"user_id": somebody, "email": f"{_uuid(chance)}@people.example"}),
        (8, "company.activate", {}),
        (4, "company.suspend", {"reason": "unpaid"}),
        (6, "company.rename", {"name": f"Renamed {_uuid(chance)}"}),
        (4, "company.change_seat_limit", {"seat_limit": chance.randint(5, 30)}),
        (4 * (held.version > closes_after), "company.close", {"reason": "merged"}),
    ]
    ((_, kind, data),) = chance.choices(choices, [weight for weight, _, _ in choices])
    return kind, data


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


@dataclass
class Folded:
    """What the documents must hold after some events: a fold that shares nothing with the projections."""

    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    activity: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, log: Iterable[Event]) -> "Folded":
        """The fold of a log, each company's events in their order."""
        folded = cls()
        for event in sorted(log, key=lambda one: (one["subject"], one["version"])):
            folded._tell(event)
        return folded

    @property
    def positions(self) -> dict[str, int]:
        """The version of each company."""
        return {company_id: company["version"] for company_id, company in self.companies.items()}

    @property
    def statistics(self) -> dict[str, int]:
        """Counters by path; those at zero are left out."""
        counts: dict[str, int] = {}
        for company in self.companies.values():
            status = company["status"]
            counts[f"companies.{status}"] = counts.get(f"companies.{status}", 0) + 1
        for (company_id, _), user in self.users.items():
            path = f"users.{self.companies[company_id]['status']}.{user['role']}"
            counts[path] = counts.get(path, 0) + 1
        return counts

    def _tell(self, event: Event) -> None:
        company_id, kind, data = event["subject"], event["type"].removesuffix(".v1"), event["data"]
        company = self.companies.setdefault(company_id, {"status_reason": None, "users": dict.fromkeys(_ROLES, 0)})
        statuses = {"registered": "registered", "activated": "active", "suspended": "suspended", "closed": "closed"}
        subject, _, what = kind.partition(".")
        if subject == "company":
            if what in statuses:
                company.update(status=statuses[what], status_reason=data.get("reason"))
            company.update({name: data[name] for name in ("name", "seat_limit") if name in data})
        else:
            self._tell_user(company_id, what, data, event["time"])
        if kind == "company.registered":
            company["registered_at"] = event["time"]
        of_company = [user["role"] for (owner, _), user in self.users.items() if owner == company_id]
        company["users"] = {role: of_company.count(role) for role in _ROLES}
        company.update(version=event["version"], updated_at=event["time"])
        self.activity[company_id, event["version"]] = {
            **{name: event[name] for name in ("type", "time", "actor", "data")},
            "event_id": event["id"],
            "command_id": event["commandid"],
        }

    def _tell_user(self, company_id: str, what: str, data: dict[str, Any], time: str) -> None:
        place = company_id, data["user_id"]
        if what == "removed":
            del self.users[place]
            return
        user = self.users.setdefault(place, {"added_at": time})
        user.update({name: data[name] for name in ("email", "full_name", "role") if name in data}, updated_at=time)
