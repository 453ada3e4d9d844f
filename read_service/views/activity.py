"""What happened to a company, one entry an event."""

from contracts.queries import CompanyActivity
from contracts.results import Activity, PageOf
from read_service.views.cursors import Place, place_in
from read_service.views.documents import Document, Documents, is_
from read_service.views.pages import page


async def company_activity(documents: Documents, query: CompanyActivity) -> PageOf[Activity] | None:
    """A company's activity, newest first; None where the company is not known."""
    place = place_in(query)
    before = {} if place is None else {"version": {"$lt": place.key}}
    found = await documents.many(
        "activity",
        {"company_id": is_(query.company_id), **before},
        sort=[("company_id", -1), ("version", -1)],
        limit=query.limit + 1,
    )
    if not found and not await documents.knows(query.company_id):
        return None
    return page(query, found, activity_of, lambda last: Place(last["version"], last["event_id"]))


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
