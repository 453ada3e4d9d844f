"""What happened to a company, one entry an event."""

from contracts.queries import CompanyActivity
from contracts.results import Activity, PageOf
from read_service.adapters.collections import entries_of
from read_service.views.cursors import Place, place_in
from read_service.views.documents import Document, Documents
from read_service.views.pages import page
from read_service.views.refusals import InvalidParameter


async def company_activity(documents: Documents, query: CompanyActivity) -> PageOf[Activity] | None:
    """A company's activity, newest first; None where the company is not known."""
    found = await latest_of(documents, query.company_id, query.limit + 1, **_before(query))
    if not found and not await documents.knows(query.company_id):
        return None
    return page(query, found, activity_of, lambda last: Place(last["version"], last["event_id"]))


async def latest_of(documents: Documents, company_id: str, limit: int, **before: int) -> list[Document]:
    """The latest entries, of versions `before` one where it is given."""
    return await documents.many("activity", entries_of(company_id, **before), sort=[("_id", -1)], limit=limit)


def activity_of(found: Document) -> Activity:
    """The DTO of a document."""
    return Activity(
        version=found["version"],
        type=found["type"],
        time=found["time"],
        event_id=found["event_id"],
        command_id=found["command_id"],
        actor=found["actor"],
        data=found["data"],
    )


def _before(query: CompanyActivity) -> dict[str, int]:
    place = place_in(query)
    if place is None:
        return {}
    if not isinstance(place.key, int):
        raise InvalidParameter("cursor", "not a cursor of this list: send back next_cursor as it was received")
    return {"before": place.key}
