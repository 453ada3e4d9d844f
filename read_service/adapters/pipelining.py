"""Commands of one transaction in one flight: all are sent, then all are answered.

The server takes what comes on a connection one after the other, and has no need of a client that waits for each answer
before it sends the next command; the driver does wait. *Measured*: DECISIONS 12.

What is called here of the driver is not what it publishes: how it chooses a connection and learns from its failures,
what a session adds to a command, how a message is made and an answer is read. So `pyproject.toml` holds its version.
Left out is what the driver adds at choice: command events, encryption, and its own retries (the engine has its own).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymongo import ReadPreference
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, InvalidOperation, OperationFailure
from pymongo.helpers_shared import _check_command_response
from pymongo.message import _COMMAND_OVERHEAD, _op_msg

_DUPLICATE_KEY = 11000
# The server reads no further command before it has written its answer. Where more is under way than buffers hold, it
# would wait for us to read, and we for it; and a single command of this size gains nothing by company.
_MOST_BYTES = 65_536

_Message = tuple[int, bytes]  # its number, which the answer bears


def run_pipelined(database: Any, session: Any, commands: Sequence[Mapping[str, Any]]) -> None:
    """Run write commands in order, in the transaction that `session` has begun; blocks until all are answered.

    `database` and `session` are the synchronous driver's. Raises what the driver raises for the first command that
    fails, or InvalidOperation where there is no transaction; the caller has to undo it. The commit is for later: a
    command that the server refuses before it looks for the transaction, say for want of a right, does not undo it, and
    those after it do run.
    """
    with database.client._conn_for_writes(session, "update") as connection:
        if not session.in_transaction:  # who was cancelled has undone it meanwhile: this would be written outside of it
            raise InvalidOperation("the transaction has ended")
        connection.apply_timeout(None)  # what the command before has left may be less than this one's
        for flight in _flights([_message(database, session, connection, dict(command)) for command in commands]):
            connection.send_message(b"".join(message for _, message in flight), 0)
            # All of them before any is looked at: an answer that is left over would be the next command's.
            replies = [connection.receive_message(number) for number, _ in flight]
            _check(replies, database, session, connection)
            session._transaction.has_completed_command = True


def _flights(messages: Sequence[_Message]) -> Iterator[list[_Message]]:
    flight, size = list[_Message](), 0
    for message in messages:
        size += len(message[1])
        if flight and size > _MOST_BYTES:
            yield flight
            flight, size = [], len(message[1])
        flight.append(message)
    if flight:
        yield flight


def _message(database: Any, session: Any, connection: Any, command: dict[str, Any]) -> _Message:
    session._apply_to(command, is_retryable=False, read_preference=ReadPreference.PRIMARY, conn=connection)
    if session._starting_transaction:
        session._transaction.set_in_progress()
    connection.send_cluster_time(command, session, database.client)
    number, message, size, _ = _op_msg(0, command, database.name, ReadPreference.PRIMARY, database.codec_options)
    # The driver's own limit. On 48 MB the server hangs up, as if it were away, and the same would be sent for ever.
    if size > connection.max_bson_size + _COMMAND_OVERHEAD:
        raise DocumentTooLarge(f"{next(iter(command))} of {size} bytes; the server takes {connection.max_bson_size}")
    return number, message


def _check(replies: Sequence[Any], database: Any, session: Any, connection: Any) -> None:
    answers = [reply.unpack_response(codec_options=database.codec_options)[0] for reply in replies]
    for answer in answers:
        database.client._process_response(answer, session)
    for answer in answers:
        # The first that failed says why: those after it know only that there is no transaction any more.
        _check_command_response(answer, connection.max_wire_version)
        for fault in answer.get("writeErrors", ()):
            kind = DuplicateKeyError if fault["code"] == _DUPLICATE_KEY else OperationFailure
            raise kind(fault["errmsg"], fault["code"], fault)
