"""Companies as readers see them: one, a page of them, their names, the front page of one."""

from contracts.queries import CompanyDashboard, CompanyGet, CompanyList, CompanyNames
from contracts.results import CompaniesPerStatus, Company, CompanyName, Dashboard, PageOf, UsersPerRole
from contracts.values import folded
from read_service.views.activity import activity_of, latest_of
from read_service.views.cursors import Place, place_in
from read_service.views.documents import Document, Documents, is_
from read_service.views.pages import all_of, beyond, of_any, page, starting_with
from read_service.views.refusals import InvalidParameter

LATEST = 10
STATUSES = tuple(CompaniesPerStatus.model_fields)


async def company_by_id(documents: Documents, query: CompanyGet) -> Company | None:
    """The company, or None."""
    found = await documents.one("companies", {"_id": is_(query.company_id)})
    return None if found is None else company_of(found)


async def companies_page(documents: Documents, query: CompanyList) -> PageOf[Company]:
    """Companies by status and beginning of the name, in the order asked for. Raises InvalidParameter."""
    key, direction = _SORTS[query.sort]
    where = all_of(
        of_any("status", query.status, STATUSES),
        {} if query.name_prefix is None else starting_with("name_key", _prefix(query.name_prefix)),
        beyond(place_in(query), key, "_id", direction),
    )
    order = [(key, direction), ("_id", direction)]
    found = await documents.many("companies", where, sort=order, limit=query.limit + 1)
    return page(query, found, company_of, lambda last: Place(last[key], last["_id"]))


async def company_names(documents: Documents, query: CompanyNames) -> PageOf[CompanyName]:
    """Ids and names, by name."""
    where = all_of(of_any("status", query.status, STATUSES), beyond(place_in(query), "name_key", "_id", 1))
    found = await documents.many(
        "companies",
        where,
        sort=[("name_key", 1), ("_id", 1)],
        limit=query.limit + 1,
        fields={"name": 1, "name_key": 1},
    )
    return page(query, found, _name_of, lambda last: Place(last["name_key"], last["_id"]))


async def company_dashboard(documents: Documents, query: CompanyDashboard) -> Dashboard | None:
    """What the company's front page shows, or None."""
    found = await documents.one("companies", {"_id": is_(query.company_id)})
    if found is None:
        return None
    company = company_of(found)
    # Activity is only ever added: up to the company's version it is the same whenever it is read.
    latest = await latest_of(documents, company.company_id, LATEST, before=company.version + 1)
    users = company.users
    return Dashboard(
        company=company,
        users=users,
        seats_left=max(0, company.seat_limit - users.owner - users.admin - users.member),
        latest_activity=[activity_of(one) for one in latest],
    )


def company_of(found: Document) -> Company:
    """The DTO of a document."""
    return Company(
        company_id=found["_id"],
        name=found["name"],
        status=found["status"],
        status_reason=found["status_reason"],
        seat_limit=found["seat_limit"],
        users=UsersPerRole(**found["users"]),
        version=found["version"],
        registered_at=found["registered_at"],
        updated_at=found["updated_at"],
    )


def _prefix(written: str) -> str:
    prefix = folded(written)
    if not prefix:
        raise InvalidParameter("name_prefix", "nothing is left of it as names are compared")
    return prefix


def _name_of(found: Document) -> CompanyName:
    return CompanyName(company_id=found["_id"], name=found["name"])


_SORTS = {
    "name": ("name_key", 1),
    "-name": ("name_key", -1),
    "registered_at": ("registered_at", 1),
    "-registered_at": ("registered_at", -1),
    "updated_at": ("updated_at", 1),
    "-updated_at": ("updated_at", -1),
}
