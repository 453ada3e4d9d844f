"""What became of a command."""

from contracts.queries import CommandGet
from contracts.results import CommandAccepted, CommandEvent, CommandRejected
from read_service.views.documents import Document, Documents, is_


async def command_outcome(documents: Documents, query: CommandGet) -> CommandAccepted | CommandRejected | None:
    """Accepted with its events, rejected with its reason, or None: not known, or not yet."""
    events = await documents.many(
        "activity", {"command_id": is_(query.command_id)}, sort=[("command_id", 1), ("version", 1)]
    )
    if events:
        company_id = events[0]["company_id"]
        return CommandAccepted(command_id=query.command_id, company_id=company_id, events=list(map(_event_of, events)))
    outcome = await documents.one("outcomes", {"_id": is_(query.command_id)})
    return None if outcome is None else _without_events(outcome)


def _without_events(outcome: Document) -> CommandAccepted | CommandRejected:
    if outcome["kind"] == "unchanged":
        return CommandAccepted(command_id=outcome["_id"], company_id=outcome["company_id"], events=[])
    return CommandRejected(
        command_id=outcome["_id"],
        company_id=outcome["company_id"],
        code=outcome["code"],
        message=outcome["message"],
        details=outcome["details"],
    )


def _event_of(found: Document) -> CommandEvent:
    return CommandEvent(event_id=found["event_id"], type=found["type"], version=found["version"], time=found["time"])
