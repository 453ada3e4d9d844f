"""Counts over everything."""

from contracts.queries import StatisticsGet
from contracts.results import CompaniesPerStatus, Statistics, Totals, UsersPerRole, UsersPerStatus
from contracts.values import ROLES, STATUSES
from read_service.views.documents import Document, Documents


async def statistics(documents: Documents, _: StatisticsGet) -> Statistics:
    """The sum of all slots at one moment: a company that changes its status is never counted twice or not at all."""
    async with documents.snapshot() as same:
        slots = await same.many("statistics", {})
    companies = {status: _sum(slots, "companies", status) for status in STATUSES}
    by_status = {status: {role: _sum(slots, "users", status, role) for role in ROLES} for status in STATUSES}
    users = {role: sum(of_status[role] for of_status in by_status.values()) for role in ROLES}
    return Statistics(
        companies=CompaniesPerStatus(**companies),
        users=UsersPerRole(**users),
        users_by_company_status=UsersPerStatus(**{name: UsersPerRole(**roles) for name, roles in by_status.items()}),
        totals=Totals(companies=sum(companies.values()), users=sum(users.values())),
    )


def _sum(slots: list[Document], *path: str) -> int:
    return sum(_at(slot, path) for slot in slots)


def _at(slot: Document, path: tuple[str, ...]) -> int:
    # A slot has only those counters that were ever moved.
    inner: Document | int = slot
    for step in path:
        inner = inner.get(step, {}) if isinstance(inner, dict) else {}
    return inner if isinstance(inner, int) else 0
