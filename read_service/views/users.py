"""The users of a company, and a person's memberships."""

from contracts.queries import UserFind, UserList
from contracts.results import Membership, PageOf, User, UsersPerRole
from read_service.views.cursors import Place, place_in
from read_service.views.documents import Document, Documents, is_
from read_service.views.pages import all_of, beyond, of_any, page

ROLES = tuple(UsersPerRole.model_fields)


async def users_page(documents: Documents, query: UserList) -> PageOf[User] | None:
    """The users of a company by email; None where the company is not known."""
    where = all_of(
        {"company_id": is_(query.company_id)},
        of_any("role", query.role, ROLES),
        beyond(place_in(query), "email", "user_id", 1),
    )
    order = [("email", 1), ("user_id", 1)]
    found = await documents.many("users", where, sort=order, limit=query.limit + 1)
    if not found and not await documents.knows(query.company_id):
        return None
    return page(query, found, user_of, lambda last: Place(last["email"], last["user_id"]))


async def memberships(documents: Documents, query: UserFind) -> PageOf[Membership]:
    """The companies in which somebody with this email is a user, by company id, with the name of each."""
    where = all_of({"email": is_(query.email)}, beyond(place_in(query), "company_id", "user_id", 1))
    found = await documents.aggregate(
        "users",
        [
            {"$match": where},
            {"$sort": {"company_id": 1, "user_id": 1}},
            {"$limit": query.limit + 1},
            {
                "$lookup": {
                    "from": documents.collection("companies"),
                    "localField": "company_id",
                    "foreignField": "_id",
                    "as": "company",
                    "pipeline": [{"$project": {"name": 1, "status": 1}}],
                }
            },
        ],
    )
    shown = page(query, found, _membership_of, lambda last: Place(last["company_id"], last["user_id"]))
    # Without a company: its registration was parked as unreadable, there is nothing to name it by.
    return PageOf(items=[one for one in shown.items if one is not None], next_cursor=shown.next_cursor)


def user_of(found: Document) -> User:
    """The DTO of a document."""
    return User(**_fields(found))


def _membership_of(found: Document) -> Membership | None:
    if not found["company"]:
        return None
    company = found["company"][0]
    return Membership(**_fields(found), company_name=company["name"], company_status=company["status"])


def _fields(found: Document) -> Document:
    return {field: found[field] for field in User.model_fields}
