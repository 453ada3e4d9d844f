"""What is told of a committed batch: metrics, and one line of the log."""

from collections import Counter
from collections.abc import Sequence

from contracts.commands import Command
from contracts.replies import Accepted, Rejected, Reply
from write_service import metrics
from write_service.logs import logger

MOST_NAMED = 10  # commands in one line: all of a small batch, of a large one those that were not accepted

log = logger(__name__)


def report(commands: Sequence[Command], replies: Sequence[Reply], *, seconds: float) -> None:
    """Count the outcomes and log the batch."""
    metrics.BATCH_SIZE.observe(len(commands))
    metrics.COMMIT_SECONDS.observe(seconds)
    said = [outcome_of(reply) for reply in replies]
    for (kind, outcome), number in Counter(zip((command.type for command in commands), said, strict=True)).items():
        metrics.COMMANDS.labels(kind, outcome).inc(number)
    few = len(commands) <= MOST_NAMED
    told = [triple for triple in zip(commands, replies, said, strict=True) if few or triple[2] != "accepted"]
    named = [_named(*triple) for triple in told[:MOST_NAMED]]
    log.info("committed", commands=len(commands), ms=round(seconds * 1000, 1), **Counter(said), named=named)


def outcome_of(reply: Reply) -> str:
    """One word for a reply."""
    return "repeated" if getattr(reply, "repeated", False) else reply.status


def _named(command: Command, reply: Reply, outcome: str) -> dict[str, object]:
    named: dict[str, object] = {
        "command_id": command.id,
        "type": command.type,
        "company_id": command.subject,
        "correlation_id": command.correlationid,
        "outcome": outcome,
    }
    if isinstance(reply, Accepted):
        named["version"] = reply.version
    if isinstance(reply, Rejected):
        named["code"] = reply.code
    return named
