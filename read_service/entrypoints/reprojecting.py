"""A company's documents made anew from the log, while the engine goes on."""

from typing import NamedTuple

from read_service.adapters.mongo import Database
from read_service.adapters.reprojecting import Behind, replace_company
from read_service.entrypoints.log import EventLog
from read_service.verification.refolding import Refold

# One transaction holds all of a company, lives 60 s, and writes some thousand documents a second.
MOST_EVENTS = 100_000
_ROUNDS = 20


class NotReprojected(Exception):
    """The company's documents are as they were; the message says why."""


class Reprojected(NamedTuple):
    """A company whose documents are as the log says."""

    company_id: str
    version: int
    skipped: tuple[int, ...]  # versions that cannot be read still


async def reproject(log: EventLog, database: Database, generation: int, company_id: str) -> Reprojected:
    """Read the company's whole history and put what becomes of it in place of its documents.

    Raises NotReprojected, NotAnswered, BrokenLog, RefusedData or StoreAway; the documents are then as they were.
    """
    refold = Refold(company_id)
    needed = 0
    for _ in range(_ROUNDS):
        async for page in log.of([company_id], after=refold.version):
            refold.add(page)
            if refold.events > MOST_EVENTS:
                raise NotReprojected(
                    f"more than {MOST_EVENTS} events, too many for one transaction: with the readers stopped, drop the "
                    "documents' database and run read-service setup; started again, they ask for the whole log"
                )
        if refold.version < needed:
            raise NotReprojected(f"the log ends at version {refold.version}, the documents are at {needed}")
        try:
            await replace_company(database, generation, refold)
        except Behind as behind:
            needed = behind.version  # events came while the log was read
        else:
            return Reprojected(company_id, refold.version, refold.position.skipped)
    raise NotReprojected("its documents change faster than its log can be read")
