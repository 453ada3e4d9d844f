"""Having events sent again that are missing: one request for a company, however many replicas see the gap."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog

from contracts.operations import EventsMissing, EventsSent
from contracts.topology import repairs
from read_service import metrics
from read_service.adapters.claims import ASKED, UNREPAIRABLE, Claim, MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.adapters.mongo import StoreAway
from read_service.entrypoints.asking import NotAnswered, WriteService
from read_service.verification.noticing import Gap, Noticing, Quiet, Wants

MOMENT = 1.0  # seconds; so long an event may be on its way in another message, or at another replica
MOST_TRIES = 5  # without success; it is asked for nevertheless, but rarely
_AT_ONCE = 8  # requests under way

log = structlog.get_logger()

# Under a backlog the event that is missing here is most likely on its way at another replica; asking for it would make
# the backlog longer, and that more events seem to be missing.
BUSY_MOMENTS = 10.0


class Repair:
    """Looks for gaps of one generation, and has them mended."""

    def __init__(
        self,
        gaps: MongoGaps,
        claims: MongoClaims,
        write_service: WriteService,
        drain: Callable[[Sequence[str]], None],
        wants: Wants,
        *,
        generation: int,
        moment: float = MOMENT,
        is_busy: Callable[[], bool] = lambda: False,
        quiet: float = 0.0,
        stored: Callable[[], int] = lambda: 0,
    ) -> None:
        """`quiet`: so many seconds at most nothing is looked at, while nothing comes early, which `stored` counts."""
        self._gaps = gaps
        self._claims = claims
        self._write_service = write_service
        self._drain = drain
        self._wants = wants
        self._queue = repairs(generation).name
        self._noticing = Noticing(moment)
        self._is_busy = is_busy
        self._quiet = Quiet(quiet)
        self._stored = stored
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def look(self) -> None:
        """One look at early events and at what queries wait for, unless all is quiet. Raises StoreAway."""
        now = asyncio.get_running_loop().time()
        if self._quiet.lasts(now, stored=self._stored(), wanted=bool(self._wants)):
            return
        early = await self._gaps.early()
        self._quiet.looked(now, early=bool(early))
        still = self._noticing.standing_still(now, early, moments=BUSY_MOMENTS if self._is_busy() else 1.0)
        metrics.GAPS.set(len(still))  # a hot company has early events at every moment, and nothing is missing
        wanted = self._wants.lasting(now)
        versions = await self._gaps.versions(wanted)
        self._wants.satisfied(versions)
        behind = [
            Gap(name, versions[name], wanted[name], seen=False) for name in wanted if versions[name] < wanted[name]
        ]
        await self.mend([*await self._holes(still), *(gap for gap in behind if gap.company_id not in still)])

    async def mend(self, gaps: Collection[Gap]) -> None:
        """Ask for these, but for those that somebody has asked for a short while ago. Raises StoreAway."""
        resting = await self._claims.resting(gap.company_id for gap in gaps)
        free = [gap for gap in gaps if resting.get(gap.company_id, -1) < gap.after]
        # Each for itself: what is wrong with one holds up no other.
        for failure in await asyncio.gather(*map(self._ask, free), return_exceptions=True):
            if isinstance(failure, StoreAway):
                raise failure
            if failure is not None:
                log.error("repair_failed", reason=f"{type(failure).__name__}: {failure}"[:300])

    async def _holes(self, still: dict[str, int]) -> list[Gap]:
        resting = await self._claims.resting(still)
        free = {name: version for name, version in still.items() if resting.get(name, -1) < version}
        found = [Gap(name, version, await self._gaps.hole(name, version)) for name, version in free.items()]
        # Nothing is missing, and yet it stands still: the replica that was to go on is gone.
        if ready := [gap.company_id for gap in found if gap.up_to == gap.after]:
            self._drain(ready)
        return [gap for gap in found if gap.up_to > gap.after]

    async def _ask(self, gap: Gap) -> None:
        async with self._at_once:
            request = EventsMissing(
                company_id=gap.company_id, after_version=gap.after, up_to_version=gap.up_to, queue=self._queue
            )
            claim = await self._claims.take(*gap[:3])
            if claim is None:
                return
            metrics.REPAIR_REQUESTS.inc()
            try:
                answer = await self._write_service.missing(request)
            except NotAnswered as failure:
                log.warning("repair_unanswered", company_id=gap.company_id, reason=str(failure)[:300])
                await self._give_back(gap, claim)
                return
            if is_made_up(gap, answer):
                self._wants.dismiss(gap.company_id)
                await self._give_back(gap, claim)
                return
            await self._note(gap, claim, answer)

    async def _give_back(self, gap: Gap, claim: Claim) -> None:
        # What was not seen is waited for only once the log knows it; and it is no failed try, which would hold up the
        # request for an event that really is lost.
        if not gap.seen:
            await self._claims.mark(claim, gap.after, ASKED, "")
        await self._claims.give_back(claim)

    async def _note(self, gap: Gap, claim: Claim, answer: EventsSent) -> None:
        reason = verdict(gap, claim.tries, answer)
        about = {"company_id": gap.company_id, "after": gap.after, "up_to": gap.up_to, "sent": answer.sent}
        if reason is None:
            log.info("repair_asked", **about)
        else:
            log.error("unrepairable", **about, reason=reason)
        up_to = gap.up_to if gap.seen else min(gap.up_to, answer.head)
        await self._claims.mark(claim, up_to, ASKED if reason is None else UNREPAIRABLE, reason or "")


def is_made_up(gap: Gap, answer: EventsSent) -> bool:
    """Whether nothing is missing: a token may be made up, and the log does not know what only it names."""
    return not gap.seen and answer.head <= gap.after


def verdict(gap: Gap, tries: int, answer: EventsSent) -> str | None:
    """Why a gap cannot be repaired, by what the log has answered; None as long as it may be."""
    if is_made_up(gap, answer):
        return None
    if answer.head < gap.up_to and gap.seen:
        return f"the log ends at version {answer.head}, and events after version {gap.up_to} were received"
    if answer.sent < min(answer.head, gap.up_to) - gap.after:
        return f"the log holds only {answer.sent} of the versions {gap.after + 1} to {gap.up_to}"
    if tries > MOST_TRIES:
        return f"asked for {tries} times, and still missing"
    return None


def missing_of(heads: Iterable[tuple[str, int]], versions: dict[str, int]) -> list[Gap]:
    """The companies whose documents are behind their heads."""
    return [Gap(name, versions[name], head, seen=False) for name, head in heads if versions[name] < head]
