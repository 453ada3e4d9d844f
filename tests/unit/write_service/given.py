"""Companies in a given state, for tests of the domain."""

from write_service.domain.company import Company
from write_service.domain.membership import Membership, User
from write_service.domain.values import Status

COMPANY = "11111111-1111-4111-8111-111111111111"
ANNA = User("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "anna@acme.example", "Anna Ost", "owner")
BERT = User("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb", "bert@acme.example", "Bert West", "member")
CARLA = User("cccccccc-cccc-4ccc-8ccc-cccccccccccc", "carla@acme.example", "Carla Nord", "admin")
FREE_EMAIL = "free@acme.example"


def new_company() -> Company:
    """A company that does not exist yet."""
    return Company(COMPANY, members=members())


def company(status: Status = "registered", *users: User, seat_limit: int = 5, version: int = 7) -> Company:
    """A company named Acme with these users."""
    return Company(
        COMPANY,
        version=version,
        status=status,
        name="Acme",
        seat_limit=seat_limit,
        user_count=len(users),
        owner_count=sum(user.role == "owner" for user in users),
        members=members(*users),
    )


def members(*users: User) -> Membership:
    """These users, and the knowledge that the others of this module are not there."""
    everybody = (ANNA, BERT, CARLA)
    return Membership(users, [user.user_id for user in everybody], [FREE_EMAIL, *(user.email for user in everybody)])
