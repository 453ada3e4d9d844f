"""What became of the rows of a file, and the sum of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contracts.commands import Command
from contracts.errors import Error
from contracts.import_files import Unreadable
from contracts.import_plan import Planned
from contracts.replies import Accepted, Invalid, Parked, Rejected, Reply, to_wire

_SHOWN = 20

# From bad to worse: a row is as well as the worst of its commands.
_ORDER = ("accepted", "rejected", "invalid", "parked", "unanswered")


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: `status` is that of its worst command, or unreadable. `commands` as in their replies."""

    line: int
    name: str | None
    company_id: str | None
    status: str
    why: str | None = None
    code: str | None = None
    repeated: bool = False
    commands: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether something failed now; what was decided by an import before is not decided again."""
        return self.status != "accepted" and not self.repeated

    def to_wire(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        found = {"line": self.line, "name": self.name, "company_id": self.company_id, "status": self.status}
        reason = {"code": self.code, "why": self.why} if self.status != "accepted" else {}
        return {**found, **reason, "repeated": self.repeated, "commands": self.commands}


def unreadable(row: Unreadable) -> RowOutcome:
    """The outcome of a row of which nothing was sent, because nothing could be made of it."""
    return RowOutcome(row.line, None, None, "unreadable", row.reason)


def invalid(line: int, name: object, errors: list[Error]) -> RowOutcome:
    """The outcome of a row of which nothing was sent, because its company cannot be."""
    return RowOutcome(line, name if isinstance(name, str) else None, None, "invalid", _why_invalid(errors))


def outcome(row: Planned, replies: dict[int, Reply]) -> RowOutcome:
    """The outcome of a row that was sent, from the replies by the place of the command in the row."""
    sent = row.commands if isinstance(replies.get(0), Accepted) else row.commands[:1]
    answers = [replies.get(place) for place in range(len(sent))]
    worst = max(answers, key=lambda reply: _ORDER.index(_status(reply)))
    code = worst.code if isinstance(worst, Rejected) else None
    return RowOutcome(
        row.line,
        row.name,
        row.company_id,
        _status(worst),
        _why(worst),
        code,
        all(isinstance(reply, Accepted | Rejected) and reply.repeated for reply in answers),
        [_command(command, reply) for command, reply in zip(sent, answers, strict=True)]
        + [{"type": one.type, "status": "not_sent", "command_id": one.id} for one in row.commands[len(sent) :]],
    )


def _command(command: Command, reply: Reply | None) -> dict[str, Any]:
    answer = {"status": "unanswered"} if reply is None else to_wire(reply)
    return {"type": command.type, **answer, "command_id": command.id}


def _status(reply: Reply | None) -> str:
    return "unanswered" if reply is None else reply.status


def _why(reply: Reply | None) -> str | None:
    match reply:
        case Accepted():
            return None
        case Rejected():
            return reply.message
        case Invalid():
            return _why_invalid(reply.errors)
        case Parked():
            return reply.reason
        case None:
            return "no reply came; import the file again"


def _why_invalid(errors: list[Error]) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors)


@dataclass(slots=True)
class Summary:
    """Rows and commands counted by what became of them, how many of these commands were repeats, and some bad rows."""

    rows: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    bad: list[RowOutcome] = field(default_factory=list)
    more_bad: int = 0

    def add(self, row: RowOutcome) -> None:
        """Count a row; the first ones that were not accepted are kept."""
        self.rows[row.status] += 1
        self.commands.update(one["status"] for one in row.commands)
        self.repeated.update(one["status"] for one in row.commands if one.get("repeated"))
        self.failed += row.failed
        if row.status == "accepted":
            return
        if len(self.bad) < _SHOWN:
            self.bad.append(row)
        else:
            self.more_bad += 1
