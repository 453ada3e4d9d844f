"""From the bytes of an answer to replies and results."""

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypeIs

from contracts import replies
from contracts.failures import BadReply
from contracts.replies import Invalid, Reply
from contracts.results import RESULTS, Failed, InvalidQuery, NotFound, Ok, QueryReply, Stale

QueryAnswer = Ok | NotFound | InvalidQuery | Stale | Failed

_ANSWER: TypeAdapter[QueryAnswer] = TypeAdapter(QueryReply)
_RESULTS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(result) for name, result in RESULTS.items()}


def read_replies(body: bytes, ids: list[str]) -> list[Reply]:
    """One reply for each command id, in their order. Raises BadReply."""
    try:
        found = replies.decode(body)
    except ValueError as failure:
        raise BadReply(f"What came back is no reply to a command: {failure}") from failure
    if len(found) == 1 and _whole(found[0], ids):
        return [Invalid(command_id, found[0].errors) for command_id in ids]
    if len(found) != len(ids):
        raise BadReply(f"{len(found)} replies came back to {len(ids)} commands.")
    return found


def _whole(reply: Reply, ids: list[str]) -> TypeIs[Invalid]:
    """Whether it speaks of a message that could not be read at all."""
    return isinstance(reply, Invalid) and reply.command_id not in ids


def read_answer(body: bytes, query: str) -> QueryAnswer:
    """The reply to a query, its result of the query's class. Raises BadReply."""
    try:
        answer = _ANSWER.validate_json(body)
        if isinstance(answer, Ok):
            return Ok(result=_RESULTS[query].validate_python(answer.result))
    except ValueError as failure:
        raise BadReply(f"What came back is no answer to {query}: {failure}") from failure
    return answer
