"""What the service layer asks of the outside: companies for handlers, transactions for the pipeline."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from write_service.domain.company import Company
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.records import Changes, Loaded, Wanted


class Companies(Protocol):
    """The companies, as the handler of one command sees them."""

    async def get(self, company_id: str) -> Company:
        """The company, which exists, is not closed, and is at the version that the command expects.

        Raises CompanyNotFound, CompanyClosed or VersionConflict.
        """

    async def new(self, company_id: str) -> Company:
        """A company that does not exist yet. Raises CompanyAlreadyExists or VersionConflict."""

    async def is_taken(self, name: str, *, by_other_than: str) -> bool:
        """Whether another company that is not closed has a name that counts as the same."""

    async def save(self, company: Company) -> None:
        """Keep what was changed; without it the change is dropped."""


@dataclass
class Refused(Exception):
    """The database refuses a transaction for a reason that lies in its data; nothing of it was kept."""

    reason: str
    constraint: str | None = field(default=None)


class Conflicted(Exception):
    """The transaction met another one (deadlock, serialization); nothing of it was kept, it may run again."""


class Optimistic(Protocol):
    """A look at the database, and one statement that writes if nothing has changed since."""

    async def load(self, wanted: Wanted) -> Loaded:
        """Read all that the commands need, without a lock."""

    async def write(self, changes: Changes) -> None:
        """Write everything and commit. Raises Refused, also where it was decided on what no longer holds."""


class Transaction(Protocol):
    """One transaction of the database."""

    async def load(self, wanted: Wanted) -> Loaded:
        """Lock the names and companies wanted, then read all that the commands need. Waits for other replicas."""

    async def write(self, changes: Changes) -> None:
        """Write everything. Raises Refused, also when fewer rows were written than there are."""

    async def check(self) -> None:
        """Check now what would be checked at the commit. Raises Refused."""


class Transactions(Protocol):
    """The database."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that commits at the end of the block, and is undone by an exception.

        Raises Refused or Conflicted; any other exception means that the database is away, or that whether it has
        committed is not known.
        """

    def optimistic(self) -> AbstractAsyncContextManager[Optimistic]:
        """What commits when it writes. Raises as a transaction does; Refused and Conflicted may mean that another
        replica was quicker."""


class Publish(Protocol):
    """The way to the bus after a commit."""

    def __call__(self, rows: Sequence[Unpublished], /) -> None:
        """Publish these committed rows in the background. Returns at once and raises nothing."""
