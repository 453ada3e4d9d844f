"""What a company's documents must be, folded from its events as JSON. It shares nothing with the projections."""

from typing import Any

from contracts.values import folded

Event = dict[str, Any]
Document = dict[str, Any]

ROLES = ("owner", "admin", "member")

# What of an event's data is shown as activity.
SHOWN: dict[str, tuple[str, ...]] = {
    "company.registered.v1": ("name", "seat_limit"),
    "company.renamed.v1": ("name", "previous_name"),
    "company.activated.v1": (),
    "company.suspended.v1": ("reason",),
    "company.closed.v1": ("reason",),
    "company.seat_limit_changed.v1": ("seat_limit", "previous_seat_limit"),
    "user.added.v1": ("user_id", "email", "full_name", "role"),
    "user.role_changed.v1": ("user_id", "role", "previous_role"),
    "user.renamed.v1": ("user_id", "full_name"),
    "user.email_changed.v1": ("user_id", "email"),
    "user.removed.v1": ("user_id", "role"),
}
STATUSES = {
    "company.registered.v1": "registered",
    "company.activated.v1": "active",
    "company.suspended.v1": "suspended",
    "company.closed.v1": "closed",
}


class Fold:
    """The documents of one company after its events so far, by collection and key."""

    def __init__(self, company_id: str) -> None:
        self.company_id = company_id
        self.version = 0
        self.company: Document | None = None
        self.users: dict[str, Document] = {}
        self.activity: dict[str, Document] = {}
        self.status: str | None = None
        self.counts = dict.fromkeys(ROLES, 0)
        self.unreadable: list[str] = []  # events that are not known here, or whose data cannot be read

    def skip(self, event: Event) -> None:
        """An event that the documents leave out."""
        self.version = event["version"]

    def add(self, event: Event) -> None:
        """The next event."""
        self.skip(event)
        try:
            self._tell(event)
        except (KeyError, TypeError, AttributeError) as failure:
            what = f"version {event['version']}, {event['type']}, cannot be read"
            self.unreadable.append(f"{what}: {type(failure).__name__}: {failure}")

    def _tell(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        shown = {name: data[name] for name in SHOWN[kind]}
        self.status = STATUSES.get(kind, self.status)
        if kind.startswith("user."):
            self._tell_user(kind, data, event["time"])
        if kind == "company.registered.v1":
            self.company = {"_id": self.company_id, "registered_at": event["time"], "status_reason": None}
        if self.company is not None:
            self._tell_company(kind, data, event)
        key = f"{self.company_id}/{event['version']:010}"
        self.activity[key] = {
            "_id": key,
            "event_id": event["id"],
            "company_id": self.company_id,
            "command_id": event["commandid"],
            "actor": event.get("actor"),
            "data": shown,
            **{name: event[name] for name in ("version", "type", "time")},
        }

    def _tell_company(self, kind: str, data: Document, event: Event) -> None:
        assert self.company is not None
        if kind in STATUSES:
            self.company.update(status=self.status, status_reason=data.get("reason"))
        if "name" in data and kind in ("company.registered.v1", "company.renamed.v1"):
            self.company.update(name=data["name"], name_key=folded(data["name"]))
        if "seat_limit" in data:
            self.company["seat_limit"] = data["seat_limit"]
        self.company.update(users=dict(self.counts), version=event["version"], updated_at=event["time"])

    def _tell_user(self, kind: str, data: Document, time: str) -> None:
        for role, by in _counted(kind, data):
            self.counts[role] = max(0, self.counts[role] + by)
        key = f"{self.company_id}/{data['user_id']}"
        if kind == "user.removed.v1":
            self.users.pop(key, None)
            return
        if kind == "user.added.v1":
            self.users[key] = {"_id": key, "company_id": self.company_id, "user_id": data["user_id"], "added_at": time}
        if key in self.users:
            told: Document = {name: data[name] for name in ("email", "full_name", "role") if name in data}
            self.users[key].update(told, updated_at=time)


def _counted(kind: str, data: Document) -> list[tuple[str, int]]:
    if kind == "user.added.v1":
        return [(data["role"], +1)]
    if kind == "user.removed.v1":
        return [(data["role"], -1)]
    return [(data["previous_role"], -1), (data["role"], +1)] if kind == "user.role_changed.v1" else []
