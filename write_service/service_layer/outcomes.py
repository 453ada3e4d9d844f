"""From an outcome to the reply, for the first time and for every repeat."""

from typing import ClassVar

from contracts import tokens
from contracts.commands import Command
from contracts.errors import error
from contracts.replies import Accepted, Invalid, Parked, Rejected, Reply
from write_service.domain.rejections import Rejection
from write_service.service_layer.parking import HANDLER_FAILED, REFUSED
from write_service.service_layer.records import ACCEPTED, REJECTED, UNCHANGED, Outcome


class HandlerFailed(Parked):
    """The command's handler raised something that is no rejection: a fault of ours."""

    kind: ClassVar[str] = HANDLER_FAILED
    __slots__ = ()


class RefusedByDatabase(Parked):
    """The database refuses the command's data: a fault of ours, since it was valid and broke no rule."""

    kind: ClassVar[str] = REFUSED
    __slots__ = ()


def rejected(command: Command, digest: bytes, rule: Rejection) -> Outcome:
    """The command broke a rule."""
    return Outcome(command.id, command.subject, digest, REJECTED, None, rule.code, rule.message, rule.details)


def accepted(command: Command, digest: bytes, version: int, *, changed: bool) -> Outcome:
    """The command holds, and the company is at this version."""
    return Outcome(command.id, command.subject, digest, ACCEPTED if changed else UNCHANGED, version)


def reply_to(outcome: Outcome, *, repeated: bool) -> Reply:
    """The reply that tells this outcome."""
    command_id, company_id = outcome.command_id, outcome.company_id
    if outcome.kind == REJECTED:
        assert outcome.code is not None
        assert outcome.message is not None
        return Rejected(command_id, company_id, outcome.code, outcome.message, outcome.details or {}, repeated)
    assert outcome.version is not None
    token = tokens.encode(company_id, outcome.version)
    return Accepted(command_id, company_id, outcome.version, token, repeated)


def known_reply(outcome: Outcome, command: Command, digest: bytes) -> Reply:
    """The reply to a command whose id has this outcome: a repeat, unless it was another command's."""
    return reply_to(outcome, repeated=True) if outcome.digest == digest else id_reused(command)


def id_reused(command: Command) -> Invalid:
    """The reply to another command under an id that is used up."""
    return Invalid(command.id, [error("id_reused", "another command was sent under this id", "id")])
