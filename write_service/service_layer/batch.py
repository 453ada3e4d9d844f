"""Many commands on what was loaded for them, in their order: isolation, repeats, and what is to be written."""

from collections.abc import Mapping, Sequence

from contracts.commands import Command
from contracts.replies import Reply
from write_service.domain.checkpoint import Checkpoint
from write_service.domain.company import Company
from write_service.domain.rejections import Rejection
from write_service.domain.values import name_key
from write_service.logs import logger
from write_service.service_layer.handlers import HANDLERS, Handler
from write_service.service_layer.outcomes import HandlerFailed, accepted, known_reply, rejected, reply_to
from write_service.service_layer.publishing import event_ids, event_record, published_event, published_outcome
from write_service.service_layer.records import ACCEPTED, Changes, CompanyRecord, Loaded, Outcome, UserRecord

log = logger(__name__)


class Attempt:
    """The companies, as one command sees them."""

    __slots__ = ("_command", "_loaded", "saved")

    def __init__(self, loaded: Loaded, command: Command) -> None:
        self._loaded = loaded
        self._command = command
        self.saved = False

    async def get(self, company_id: str) -> Company:
        company = self._loaded.companies[company_id]
        company.expect(self._command.expectedversion)
        return company

    async def new(self, company_id: str) -> Company:
        company = self._loaded.companies[company_id]
        company.expect_new(self._command.expectedversion)
        return company

    async def is_taken(self, name: str, *, by_other_than: str) -> bool:
        return self._loaded.holders.get(name_key(name), by_other_than) != by_other_than

    async def save(self, company: Company) -> None:  # noqa: ARG002 - a command has one company, its subject
        self.saved = True


class Batch:
    """Handles commands one after the other and gathers what they change."""

    def __init__(
        self,
        loaded: Loaded,
        handlers: Mapping[str, Handler] = HANDLERS,
        verdicts: Mapping[str, Rejection] | None = None,
    ) -> None:
        self._loaded = loaded
        self._handlers = handlers
        self._verdicts = verdicts or {}  # rejections that the database has already pronounced, by command id
        self._ids = event_ids(loaded.now)
        self._first_version = {company.id: company.version for company in loaded.companies.values()}
        self._changes = Changes(loaded.now)

    async def handle(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies, which count once the changes are committed. Raises nothing for a command."""
        return [await self._reply(command) for command in commands]

    def changes(self) -> Changes:
        """All that is to be written."""
        for company in self._loaded.companies.values():
            previous = self._first_version[company.id]
            if company.version != previous:
                self._changes.companies.append(CompanyRecord(company, previous))
                changed = company.members.changes()
                self._changes.users += [UserRecord(company.id, user_id, user) for user_id, _, user in changed]
        return self._changes

    async def _reply(self, command: Command) -> Reply:
        digest = command.digest()
        known = self._loaded.outcomes.get(command.id)
        if known is not None:
            return known_reply(known, command, digest)
        company = self._loaded.companies[command.subject]
        before = company.checkpoint()
        try:
            await self._attempt(command, company, before)
        except Rejection as rule:
            company.back_to(before)
            outcome = rejected(command, digest, rule)
        except Exception as failure:
            # Whatever it was, it is this command's alone: its neighbours commit, itself it is parked.
            company.back_to(before)
            log.exception("handler_failed", command_id=command.id, command_type=command.type, company_id=company.id)
            return HandlerFailed(command.id, f"{type(failure).__name__}: {failure}"[:2000])
        else:
            changed = self._record_events(command, digest, company, before)
            outcome = accepted(command, digest, company.version, changed=changed)
        self._record(outcome, command)
        return reply_to(outcome, repeated=False)

    async def _attempt(self, command: Command, company: Company, before: Checkpoint) -> None:
        if command.id in self._verdicts:
            raise self._verdicts[command.id]
        name, status = company.name, company.status
        attempt = Attempt(self._loaded, command)
        await self._handlers[command.type](command, attempt)
        if not attempt.saved:
            company.back_to(before)
        elif (company.name, company.status) != (name, status) or not before.version:
            self._move_name(company, name)

    def _move_name(self, company: Company, before: str) -> None:
        holders = self._loaded.holders
        if holders.get(name_key(before)) == company.id:
            del holders[name_key(before)]
        if company.status != "closed":
            holders[name_key(company.name)] = company.id

    def _record_events(self, command: Command, digest: bytes, company: Company, before: Checkpoint) -> bool:
        happened = company.events[before.events :]
        for version, event in enumerate(happened, company.version - len(happened) + 1):
            event_id = next(self._ids)
            record = event_record(event, version, command, event_id=event_id, digest=digest, now=self._loaded.now)
            self._changes.events.append(record)
            self._changes.outbox.append(published_event(record))
        return bool(happened)

    def _record(self, outcome: Outcome, command: Command) -> None:
        self._loaded.outcomes[command.id] = outcome
        self._changes.outcomes.append(outcome)
        if outcome.kind != ACCEPTED:
            news = published_outcome(outcome, command, event_id=next(self._ids), now=self._loaded.now)
            self._changes.outbox.append(news)
