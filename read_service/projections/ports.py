"""What the engine asks of the documents' database."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from read_service.projections.planning import Plan, Position, Stored

T = TypeVar("T")


class Conflicted(Exception):
    """The transaction met another one; nothing of it was kept, it may run again."""


class Clashed(Conflicted):
    """What is to be new is there already: another transaction was quicker, or the data say the same key twice."""


class RefusedData(Exception):
    """The database refuses what is to be written because of what it is; nothing of it was kept."""


class Transaction(Protocol):
    """One transaction: a snapshot, written with majority. Its calls block, in a thread of the transaction's own."""

    def positions(self, company_ids: Iterable[str]) -> Mapping[str, Position]:
        """The positions of those companies that have one."""

    def stored(self, after: Mapping[str, int]) -> Mapping[str, Stored]:
        """By company, what `ahead` holds after a version."""

    def write(self, plan: Plan) -> None:
        """Write all of it."""


class Transactions(Protocol):
    """The database."""

    async def run(self, body: Callable[[Transaction], T]) -> T:
        """What `body` returns, once its transaction is committed; an exception undoes it. `body` runs in a thread.

        Raises what `body` raises, Conflicted, Clashed or RefusedData; any other exception means that the database is
        away, or that whether it has committed is not known.
        """
