"""The MongoDB driver: with `finding` and `pipelining` all that imports it, so that another driver is a day's work."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar

from bson.errors import InvalidDocument, InvalidStringData
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import IndexModel, ReadPreference
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from read_service.adapters.collections import Index
from read_service.adapters.pipelining import run_pipelined
from read_service.projections.ports import Clashed, Conflicted, RefusedData

Document: TypeAlias = dict[str, Any]
Client: TypeAlias = AsyncIOMotorClient[Document]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Session: TypeAlias = AsyncIOMotorClientSession

T = TypeVar("T")

# Whatever the driver raises: the server is away, refuses, or did not answer in time.
StoreAway = PyMongoError

TRANSIENT, UNKNOWN_COMMIT = "TransientTransactionError", "UnknownTransactionCommitResult"
_MAJORITY_AND_SNAPSHOT = ReadConcern("snapshot"), WriteConcern("majority"), ReadPreference.PRIMARY
_COMMIT_SECONDS = 60.0  # a transaction lives no longer
_ABANDONED_SECONDS = 1.0  # for a server that answers, more than enough; one that is frozen must not hold up stopping
_EXISTS, _OTHER_OPTIONS = 48, 85
_REFUSALS = {13, 18, 8000}  # without the right, without the right password, either of them as Atlas says it
# The data itself is refused: too large, nested too deep, a key that cannot be stored, a name with a dollar.
_DATA_CODES = {2, 9, 15, 52, 57, 10334, 17280, 17419}


@asynccontextmanager
async def connected(
    url: str,
    *,
    name: str,
    timeout: float = 10.0,  # noqa: ASYNC109
    answer_timeout: float = 30.0,
) -> AsyncIterator[Database]:
    """The database that the URL's path names, read from the primary and written with majority; closed after the block.

    `timeout` (seconds) bounds the choice of a server and connecting, `answer_timeout` every answer: a transaction's
    commit may wait for a failover. Connects when it is first used.
    """
    milliseconds = int(timeout * 1000)
    client: Client = AsyncIOMotorClient(
        url,
        appname=name,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=int(answer_timeout * 1000),
        io_loop=asyncio.get_running_loop(),
    )
    try:
        yield client.get_default_database(
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority"),
        )
    finally:
        await asyncio.to_thread(client.close)  # it says good-bye to the server, and waits for the answer


@asynccontextmanager
async def transaction(session: Session) -> AsyncIterator[Session]:
    """One transaction, majority and snapshot, committed at the end of the block, undone by an exception.

    Raises Conflicted where it may run again at once, Clashed where that may be in vain, RefusedData where it never will
    succeed, StoreAway else.
    """
    session.start_transaction(*_MAJORITY_AND_SNAPSHOT)
    with _meaning():
        try:
            yield session
            await _in_one_visit(partial(_commit, session.delegate))
        except BaseException:
            with contextlib.suppress(PyMongoError):  # what cannot be undone, the server forgets by itself
                await session.abort_transaction()
            raise


class Calls:
    """What the body of a transaction asks of the server: calls that block, in the thread that runs it."""

    def __init__(self, database: Database, session: Session, abandoned: threading.Event) -> None:
        self._database = database.delegate
        self._session = session.delegate
        self._abandoned = abandoned

    def run(self, commands: Sequence[Document]) -> None:
        """Run write commands of the server as they are, in order."""
        self._go_on()
        run_pipelined(self._database, self._session, commands)

    def find(self, collection: str, where: Document, most: int = 0, *, sort: str | None = None) -> list[Document]:
        """The documents that match, as the transaction sees them; at most so many, or all."""
        self._go_on()
        # All in one batch, as far as 16 MB reach: the driver's first one has 101 documents. `Collection.find` does the
        # same in a transaction, and took 0 to 0.4 ms more of a lone event's way in three runs.
        options: dict[str, Any] = {"limit": most, "batchSize": 10_000} | ({} if sort is None else {"sort": {sort: 1}})
        own = {"session": self._session, "codec_options": self._database.codec_options}
        return list(self._database.cursor_command("find", collection, filter=where, **own, **options))

    def commit(self) -> None:
        """Returns when the transaction is committed."""
        self._go_on()
        _commit(self._session, self._abandoned)

    def _go_on(self) -> None:
        # Before each call: in a transaction that was undone meanwhile the driver would run it outside of any.
        if self._abandoned.is_set():
            raise Abandoned


class Abandoned(Exception):
    """Who waited for a transaction was cancelled."""


async def in_transaction(database: Database, session: Session, body: Callable[[Calls], T]) -> T:
    """As `transaction`, with all of it in one visit of a thread, in which `body` runs too; what that returns."""

    def whole(abandoned: threading.Event) -> T:
        own = session.delegate
        own.start_transaction(*_MAJORITY_AND_SNAPSHOT)
        try:
            calls = Calls(database, session, abandoned)
            made = body(calls)
            calls.commit()
        except BaseException:
            with contextlib.suppress(PyMongoError):  # what cannot be undone, the server forgets by itself
                own.abort_transaction()
            raise
        return made

    with _meaning():
        return await _in_one_visit(whole)


def _commit(session: Any, abandoned: threading.Event) -> None:
    end = time.monotonic() + _COMMIT_SECONDS
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as failure:
            # Nobody knows whether it has committed: repeating the commit is the way to learn it.
            if not failure.has_error_label(UNKNOWN_COMMIT) or time.monotonic() > end or abandoned.wait(0.05):
                raise
        else:
            return


@contextmanager
def _meaning() -> Iterator[None]:
    try:
        yield
    except BaseException as failure:
        if meaning_of(failure) is failure:
            raise
        # In no variable: a failure that its own traceback holds would keep all of the transaction until a round of the
        # garbage collector.
        raise meaning_of(failure) from failure


def meaning_of(failure: BaseException) -> BaseException:
    """Conflicted, Clashed or RefusedData where that is what it says, else the failure itself: it accuses nobody."""
    if isinstance(failure, DocumentTooLarge | InvalidDocument | InvalidStringData | OverflowError):
        return RefusedData(f"{type(failure).__name__}: {failure}")
    if isinstance(failure, PyMongoError) and failure.has_error_label(TRANSIENT):
        # A lost connection bears the label too, and is no reason to try again at once.
        return failure if isinstance(failure, ConnectionFailure) else Conflicted(str(failure))
    if isinstance(failure, DuplicateKeyError):
        return Clashed(str(failure))
    if isinstance(failure, OperationFailure) and failure.code in _DATA_CODES:
        return RefusedData(f"{failure.code} {failure}")
    return failure


async def run(database: Database, session: Session, commands: Sequence[Document]) -> None:
    """Run write commands of the server as they are, in order. Raises what `transaction` knows to read."""
    await _in_one_visit(lambda abandoned: Calls(database, session, abandoned).run(commands))


async def _in_one_visit(calls: Callable[[threading.Event], T]) -> T:
    # The driver goes into a thread and back for every call: 0.2 ms and two switches each, three of them a transaction.
    abandoned = threading.Event()
    visit = asyncio.get_running_loop().run_in_executor(None, calls, abandoned)
    visit.add_done_callback(lambda over: over.cancelled() or over.exception())  # read by nobody, once it is abandoned
    try:
        return await asyncio.shield(visit)
    except asyncio.CancelledError:
        abandoned.set()
        # A session is for one call at a time, and the next one would be that which undoes the transaction.
        await asyncio.wait([visit], timeout=_ABANDONED_SECONDS)
        raise
    finally:
        del visit  # it holds a failure whose traceback holds it, and all of the transaction


class OutOfTime(Exception):
    """The server did not get to it in the time that it was given."""


async def run_alone(database: Database, session: Session, command: Document, seconds: float) -> None:
    """Run a command outside of any transaction, known to the primary alone. Raises OutOfTime or StoreAway."""
    alone = {**command, "maxTimeMS": int(seconds * 1000), "writeConcern": {"w": 1}}
    try:
        await _in_one_visit(lambda _: database.delegate.command(alone, session=session.delegate))
    except ExecutionTimeout as failure:
        raise OutOfTime(str(failure)) from failure


async def insert_unless_there(database: Database, collection: str, document: Document) -> None:
    """Insert a document unless one with its id is there. Raises StoreAway."""
    with contextlib.suppress(DuplicateKeyError):
        await database[collection].insert_one(document)


async def make_indexes(database: Database, collection: str, indexes: Sequence[Index]) -> None:
    """Make a collection and its indexes where they are missing; an index with other options is made anew."""
    try:
        await database.create_collection(collection, check_exists=False)
    except OperationFailure as failure:
        if failure.code != _EXISTS:
            raise
    models = [IndexModel(list(index.keys), **index.options) for index in indexes]
    try:
        if models:
            await database[collection].create_indexes(models)
    except OperationFailure as failure:
        if failure.code != _OTHER_OPTIONS:
            raise
        for model in models:
            await _replace_index(database, collection, model)


async def _replace_index(database: Database, collection: str, model: IndexModel) -> None:
    try:
        await database[collection].create_indexes([model])
    except OperationFailure as failure:
        if failure.code != _OTHER_OPTIONS:
            raise
        await database[collection].drop_index(model.document["name"])
        await database[collection].create_indexes([model])


def is_refusal(failure: BaseException) -> bool:
    """Whether the server refuses whoever asks: a wrong password, a missing right. Asking again brings nothing."""
    return isinstance(failure, OperationFailure) and failure.code in _REFUSALS
