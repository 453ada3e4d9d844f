"""Where a company stands: what is counted of it. Kept with its position, so that projections need no reads."""

from collections.abc import Callable
from typing import Any, NamedTuple

from contracts.events import CompanyEvent


class Standing(NamedTuple):
    """The status of a company (None: not registered, as far as is known) and its users per role."""

    status: str | None = None
    owner: int = 0
    admin: int = 0
    member: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """Users per role, in the order of ROLES."""
        return self[1:]

    @property
    def users(self) -> dict[str, int]:
        """Users per role."""
        return {"owner": self.owner, "admin": self.admin, "member": self.member}


NOTHING = Standing()


def after(before: Standing, event: CompanyEvent) -> Standing:
    """Where the company stands after an event."""
    move = _MOVES.get(event.type)
    return before if move is None else move(before, event.data)


def _counted(before: Standing, role: str, by: int) -> Standing:
    # Below nothing only where the user's own event was skipped as unreadable.
    count = max(0, getattr(before, role) + by)
    return before._replace(**{role: count})


_MOVES: dict[str, Callable[[Standing, Any], Standing]] = {
    "company.registered.v1": lambda before, _: before._replace(status="registered"),
    "company.activated.v1": lambda before, _: before._replace(status="active"),
    "company.suspended.v1": lambda before, _: before._replace(status="suspended"),
    "company.closed.v1": lambda before, _: before._replace(status="closed"),
    "user.added.v1": lambda before, data: _counted(before, data.role, +1),
    "user.removed.v1": lambda before, data: _counted(before, data.role, -1),
    "user.role_changed.v1": lambda before, data: _counted(_counted(before, data.previous_role, -1), data.role, +1),
}
