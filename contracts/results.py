"""What queries answer: the documents as readers see them, and the reply around them."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.errors import Error

Item = TypeVar("Item")


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class UsersPerRole(_Result):
    """How many users have each role."""

    owner: int = 0
    admin: int = 0
    member: int = 0


class Company(_Result):
    """A company. `version` is the version its documents include; times are those of its events (UTC)."""

    company_id: str
    name: str
    status: Literal["registered", "active", "suspended", "closed"]
    status_reason: str | None = Field(description="why it was suspended or closed")
    seat_limit: int
    users: UsersPerRole
    version: int
    registered_at: str
    updated_at: str


class CompanyName(_Result):
    """A company's id and name."""

    company_id: str
    name: str


class Activity(_Result):
    """One event of a company."""

    version: int
    type: str
    time: str
    event_id: str
    command_id: str
    actor: str | None
    data: dict[str, Any]


class Dashboard(_Result):
    """What a company's front page shows."""

    company: Company
    users: UsersPerRole
    seats_left: int
    latest_activity: list[Activity] = Field(description="the newest ten, newest first")


class User(_Result):
    """A user of a company. Email and name are null once the person was erased from history."""

    company_id: str
    user_id: str
    email: str | None
    full_name: str | None
    role: Literal["owner", "admin", "member"]
    added_at: str
    updated_at: str


class Membership(User):
    """A user together with the company he or she belongs to."""

    company_name: str
    company_status: Literal["registered", "active", "suspended", "closed"]


class CompaniesPerStatus(_Result):
    """How many companies have each status."""

    registered: int = 0
    active: int = 0
    suspended: int = 0
    closed: int = 0


class UsersPerStatus(_Result):
    """Users per role, by the status of their company."""

    registered: UsersPerRole = UsersPerRole()
    active: UsersPerRole = UsersPerRole()
    suspended: UsersPerRole = UsersPerRole()
    closed: UsersPerRole = UsersPerRole()


class Totals(_Result):
    """All companies and all users."""

    companies: int = 0
    users: int = 0


class Statistics(_Result):
    """Counts over everything, exact."""

    companies: CompaniesPerStatus
    users: UsersPerRole
    users_by_company_status: UsersPerStatus
    totals: Totals


class CommandEvent(_Result):
    """An event that a command caused."""

    event_id: str
    type: str
    version: int
    time: str


class CommandAccepted(_Result):
    """The command was accepted; without events it changed nothing."""

    status: Literal["accepted"] = "accepted"
    command_id: str
    company_id: str
    events: list[CommandEvent]


class CommandRejected(_Result):
    """The command was rejected."""

    status: Literal["rejected"] = "rejected"
    command_id: str
    company_id: str
    code: str
    message: str
    details: dict[str, Any]


CommandOutcome = Annotated[CommandAccepted | CommandRejected, Field(discriminator="status")]


class PageOf(_Result, Generic[Item]):
    """One page; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


class Ok(_Result):
    """The answer."""

    status: Literal["ok"] = "ok"
    result: Any


class NotFound(_Result):
    """There is no such thing, or not yet."""

    status: Literal["not_found"] = "not_found"


class InvalidQuery(_Result):
    """The query could not be read."""

    status: Literal["invalid"] = "invalid"
    errors: list[Error]


class Stale(_Result):
    """The documents did not reach the token in time; `version` is what they include of that company."""

    status: Literal["stale"] = "stale"
    version: int


class Failed(_Result):
    """The query could not be answered now."""

    status: Literal["error"] = "error"
    message: str


QueryReply = Annotated[Ok | NotFound | InvalidQuery | Stale | Failed, Field(discriminator="status")]

RESULTS: dict[str, Any] = {
    "company.get.v1": Company,
    "company.list.v1": PageOf[Company],
    "company.names.v1": PageOf[CompanyName],
    "company.dashboard.v1": Dashboard,
    "company.activity.v1": PageOf[Activity],
    "user.list.v1": PageOf[User],
    "user.find.v1": PageOf[Membership],
    "statistics.get.v1": Statistics,
    "command.get.v1": CommandOutcome,
}
