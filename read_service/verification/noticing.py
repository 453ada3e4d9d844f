"""What counts as missing: only what stays away for a moment. Events that are under way are normal."""

from collections.abc import Mapping
from typing import NamedTuple

MOST_WANTED = 1_000  # tokens come from outside, and any number can be made up
FORGET_SECONDS = 12.0  # no query waits longer than ten seconds


class Gap(NamedTuple):
    """Versions of a company that are missing: after < version <= up_to. `seen`: something after them was seen."""

    company_id: str
    after: int
    up_to: int
    seen: bool = True


class Noticing:
    """Which companies have stood still at a version for a moment."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self._since: dict[str, tuple[int, float]] = {}

    def standing_still(self, now: float, versions: Mapping[str, int], *, moments: float = 1.0) -> dict[str, int]:
        """Those of these companies that were at the same version so many moments ago, and at every look since."""
        before, self._since = self._since, {}
        for company_id, version in versions.items():
            known = before.get(company_id)
            self._since[company_id] = known if known is not None and known[0] == version else (version, now)
        return {
            name: version for name, (version, since) in self._since.items() if now - since >= moments * self._moment
        }


class Quiet:
    """Which looks may be left out, where nothing has come early and nobody waits: nearly all, since each costs commands
    that come at that moment a millisecond. What another replica has stored is seen by the looks that are left."""

    def __init__(self, seconds: float) -> None:
        """So long at most nobody looks."""
        self._seconds = seconds
        self._stored = 0
        self._until = float("-inf")

    def lasts(self, now: float, *, stored: int, wanted: bool) -> bool:
        """Whether this look may be left out. `stored`: how many events this replica has stored as early, ever."""
        if stored != self._stored:
            self._stored, self._until = stored, float("-inf")  # until a look has succeeded
        return not wanted and now < self._until

    def looked(self, now: float, *, early: bool) -> None:
        """A look has seen early events, or none."""
        self._until = now if early else now + self._seconds


class Wants:
    """The versions that queries wait for; the loop's time is given in, in seconds."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self._wanted: dict[str, tuple[int, float, float]] = {}  # version, first and last time it was asked for

    def want(self, company_id: str, version: int, now: float) -> None:
        """A query waits for this version, which is not there yet."""
        known = self._wanted.get(company_id)
        if known is not None:
            self._wanted[company_id] = max(version, known[0]), known[1], now
        elif len(self._wanted) < MOST_WANTED:
            self._wanted[company_id] = version, now, now

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self._wanted)

    def lasting(self, now: float) -> dict[str, int]:
        """The versions that have been wanted for a moment, by company."""
        self._wanted = {name: one for name, one in self._wanted.items() if now - one[2] < FORGET_SECONDS}
        return {name: version for name, (version, first, _) in self._wanted.items() if now - first >= self._moment}

    def dismiss(self, company_id: str) -> None:
        """The log does not know the version: a token that was made up makes room for others."""
        self._wanted.pop(company_id, None)

    def satisfied(self, versions: Mapping[str, int]) -> None:
        """The documents are at these versions: who wanted no more has it."""
        for company_id, version in versions.items():
            if company_id in self._wanted and self._wanted[company_id][0] <= version:
                del self._wanted[company_id]


def last_hole(after: int, stored: list[int]) -> int:
    """The last version that is missing below the last of those stored, which are in order; `after` when none is."""
    before = [after, *stored]
    for low, high in zip(reversed(before[:-1]), reversed(stored), strict=True):
        if high - low > 1:
            return high - 1
    return after
