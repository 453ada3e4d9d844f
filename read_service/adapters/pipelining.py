"""Commands of one transaction in one flight: all are sent, then all are answered.

The server takes what comes on a connection one after the other, and has no need of a client that waits for each answer
before it sends the next command; the driver does wait. *Measured*: DECISIONS 12.

What is called here of the driver is not what it publishes: how it chooses a connection and learns from its failures,
what a session adds to a command, how a message is made and an answer is read. So `pyproject.toml` holds its version.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReadPreference
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, OperationFailure
from pymongo.helpers_shared import _check_command_response
from pymongo.message import _op_msg

_DUPLICATE_KEY = 11000


def run_in_one_flight(database: Any, session: Any, commands: Sequence[Mapping[str, Any]]) -> None:
    """Run write commands in order, in the transaction that `session` has begun; blocks until all are answered.

    `database` and `session` are the synchronous driver's. Raises what the driver raises for the first command that
    fails; the server has undone the transaction by then, and has refused those after it. The commit is for later: a
    command that is refused before the server looks for its transaction, say for want of a right, does not undo it.
    """
    client = database.client
    with client._conn_for_writes(session, "update") as connection:
        messages, requests = bytearray(), list[int]()
        for command in commands:
            request, message = _message(database, session, connection, dict(command))
            requests.append(request)
            messages += message
        connection.send_message(messages, 0)
        # All of them before any is looked at: an answer that is left over would be the next command's.
        replies = [connection.receive_message(request) for request in requests]
        answers = [reply.unpack_response(codec_options=database.codec_options)[0] for reply in replies]
        for answer in answers:
            client._process_response(answer, session)
        for answer in answers:
            # The first that failed says why: those after it know only that there is no transaction any more.
            _check_command_response(answer, connection.max_wire_version)
            _check_writes(answer)


def _message(database: Any, session: Any, connection: Any, command: dict[str, Any]) -> tuple[int, bytes]:
    """The number and the bytes of a message that holds this command. Raises DocumentTooLarge."""
    session._apply_to(command, is_retryable=False, read_preference=ReadPreference.PRIMARY, conn=connection)
    if session._starting_transaction:
        session._transaction.set_in_progress()
    connection.send_cluster_time(command, session, database.client)
    request, message, size, _ = _op_msg(0, command, database.name, ReadPreference.PRIMARY, database.codec_options)
    if size > connection.max_bson_size:
        # The server would hang up, as if it were away, and the same would be sent again for ever.
        raise DocumentTooLarge(f"{next(iter(command))} of {size} bytes; the server takes {connection.max_bson_size}")
    return request, message


def _check_writes(answer: Mapping[str, Any]) -> None:
    for fault in answer.get("writeErrors", ()):
        kind = DuplicateKeyError if fault["code"] == _DUPLICATE_KEY else OperationFailure
        raise kind(fault["errmsg"], fault["code"], fault)
