"""Where a company stands, and what of it is counted."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import CompanyEvent
from contracts.values import STATUSES
from read_service.projections.reading import read_one
from read_service.projections.standing import NOTHING, Standing, after
from read_service.projections.statistics import moved
from tests.contracts.samples import sample
from tests.support.histories import Folded, histories

COUNTS = st.integers(0, 5)
STANDINGS = st.builds(Standing, st.sampled_from([None, *STATUSES]), COUNTS, COUNTS, COUNTS)


def counted(standing: Standing) -> Counter[str]:
    """The counters of one company alone; users count under the status of their company."""
    status, *users = standing
    if status is None:
        return Counter()
    roles = zip(("owner", "admin", "member"), users, strict=True)
    return Counter({f"companies.{status}": 1, **{f"users.{status}.{role}": number for role, number in roles}})


@given(STANDINGS, STANDINGS)
def test_what_moves_makes_of_the_counters_before_those_after(here: Standing, there: Standing) -> None:
    moves = list(moved(here, there))
    assert len({move.path for move in moves}) == len(moves)
    assert all(move.by for move in moves)
    found = counted(here)
    found.update({move.path: move.by for move in moves})
    assert +found == +counted(there)
    assert min(found.values(), default=0) >= 0


def event(kind: str, **data: Any) -> CompanyEvent:
    (made,) = sample("events", kind)
    found = read_one({**made, "data": {**made["data"], **data}})
    assert isinstance(found, CompanyEvent)
    return found


def test_closing_keeps_the_users_under_their_company_s_status() -> None:
    moves = {move.path: move.by for move in moved(Standing("active", 1, 0, 2), Standing("closed", 1, 0, 2))}
    assert moves == {
        "companies.active": -1,
        "companies.closed": 1,
        "users.active.owner": -1,
        "users.closed.owner": 1,
        "users.active.member": -2,
        "users.closed.member": 2,
    }


def test_nobody_is_counted_below_nothing_when_an_event_was_skipped() -> None:
    registered = after(NOTHING, event("company.registered.v1"))
    assert after(registered, event("user.removed.v1", role="owner")) == registered
    assert after(registered, event("user.role_changed.v1", previous_role="owner", role="admin")).users == {
        "owner": 0,
        "admin": 1,
        "member": 0,
    }


def test_a_company_stands_where_its_history_leads() -> None:
    log = histories(3, companies=5, events=300)
    expected = Folded.of(log)
    standings: dict[str, Standing] = {}
    for one in log:
        change = read_one(one)
        assert isinstance(change, CompanyEvent)
        standings[change.subject] = after(standings.get(change.subject, NOTHING), change)
    found = {name: (standing.status, standing.users) for name, standing in standings.items()}
    assert found == {name: (company["status"], company["users"]) for name, company in expected.companies.items()}
