"""The queries: what may be asked, one class each. Their results are in results.py."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.values import Email, Id, Role, Status

MAX_LIMIT = 200
MAX_TOKENS = 100
MAX_WAIT_MS = 10_000
DEFAULT_WAIT_MS = 2_000

CompanySort = Literal["name", "-name", "registered_at", "-registered_at", "updated_at", "-updated_at"]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Tokens = Annotated[list[Token], Field(max_length=MAX_TOKENS)]


class Query(BaseModel):
    """What any query may ask beside its own parameters: `after` these commands, within `wait_ms`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    after: Token | Tokens = Field(default_factory=list)
    wait_ms: Annotated[int, Field(ge=0, le=MAX_WAIT_MS)] = DEFAULT_WAIT_MS

    @property
    def tokens(self) -> list[str]:
        """The tokens to wait for, as a list also where one was sent."""
        return [self.after] if isinstance(self.after, str) else self.after


class Page(Query):
    """A query whose result comes in pages."""

    limit: Limit = 50
    cursor: Cursor | None = None


class CompanyGet(Query):
    """One company."""

    company_id: Id


class CompanyList(Page):
    """Companies, sorted by name unless `sort` says otherwise; `name_prefix` compares as names do."""

    status: Status | None = None
    name_prefix: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    sort: CompanySort = "name"


class CompanyNames(Page):
    """Ids and names only, sorted by name."""

    status: Status | None = None


class CompanyDashboard(Query):
    """One company with what its front page shows."""

    company_id: Id


class CompanyActivity(Page):
    """What happened to a company, newest first."""

    company_id: Id


class UserList(Page):
    """The users of a company, sorted by email."""

    company_id: Id
    role: Role | None = None


class UserFind(Page):
    """A person's memberships in all companies, by email."""

    email: Email


class StatisticsGet(Query):
    """Counts over everything."""


class CommandGet(Query):
    """What became of a command."""

    command_id: Id


QUERIES: dict[str, type[Query]] = {
    "company.get.v1": CompanyGet,
    "company.list.v1": CompanyList,
    "company.names.v1": CompanyNames,
    "company.dashboard.v1": CompanyDashboard,
    "company.activity.v1": CompanyActivity,
    "user.list.v1": UserList,
    "user.find.v1": UserFind,
    "statistics.get.v1": StatisticsGet,
    "command.get.v1": CommandGet,
}
