"""A database in memory, with the pipeline's view of it, that can be told to fail."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from write_service.domain.company import Company
from write_service.domain.membership import Membership, User
from write_service.domain.values import name_key
from write_service.service_layer.records import Changes, EventRecord, Loaded, Outcome, Wanted

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

Fail = Callable[[Changes], None]
"""Raises where the database shall fail."""


def nothing(changes: Changes) -> None:
    """The database is well."""


@dataclass
class FakeDatabase:
    """What was committed, and the hooks that fail: on writing, at the commit, after it."""

    companies: dict[str, Company] = field(default_factory=dict)
    users: dict[tuple[str, str], User] = field(default_factory=dict)
    events: list[EventRecord] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)  # command ids of each commit
    attempts: int = 0
    races: int = 0  # attempts without locks
    on_write: Fail = nothing
    on_commit: Fail = nothing
    after_commit: Fail = nothing

    @asynccontextmanager
    async def optimistic(self) -> AsyncIterator["FakeTransaction"]:
        """What commits when it writes."""
        self.races += 1
        async with self.begin() as transaction:
            yield transaction

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["FakeTransaction"]:
        self.attempts += 1
        transaction = FakeTransaction(self)
        yield transaction
        self.on_commit(transaction.changes)
        transaction.apply()
        self.after_commit(transaction.changes)


class FakeTransaction:
    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.changes = Changes(NOW)

    async def load(self, wanted: Wanted) -> Loaded:
        stored = self._database
        companies = {}
        for company_id in wanted.company_ids:
            of_company = [user for (owner, _), user in stored.users.items() if owner == company_id]
            ids = [user_id for owner, user_id in wanted.user_ids if owner == company_id]
            emails = [email for owner, email in wanted.emails if owner == company_id]
            found = copy.copy(stored.companies.get(company_id) or Company(company_id))
            found.members, found.events = Membership(of_company, ids, emails), []
            companies[company_id] = found
        open_ones = [company for company in stored.companies.values() if company.status != "closed"]
        holders = {name_key(company.name): company.id for company in open_ones}
        known = {name: stored.outcomes[name] for name in wanted.command_ids if name in stored.outcomes}
        return Loaded(NOW, companies, {key: holders[key] for key in wanted.name_keys if key in holders}, known)

    async def write(self, changes: Changes) -> None:
        self._database.on_write(changes)
        self.changes = changes

    async def check(self) -> None:
        self._database.on_commit(self.changes)

    def apply(self) -> None:
        stored = self._database
        stored.companies |= {company.id: company for company, _ in self.changes.companies}
        for company_id, user_id, user in self.changes.users:
            stored.users.pop((company_id, user_id), None)
            if user is not None:
                stored.users[company_id, user_id] = user
        stored.events += self.changes.events
        stored.outcomes |= {outcome.command_id: outcome for outcome in self.changes.outcomes}
        stored.batches.append([outcome.command_id for outcome in self.changes.outcomes])
