"""Comparing positions with the versions that the write service names: a last event that is lost leaves no gap."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from contracts.operations import Heads, HeadsChanged
from read_service.adapters.claims import MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.adapters.mongo import Document
from read_service.entrypoints.asking import WriteService
from read_service.entrypoints.repair import Repair, missing_of

CHANGED, WALK = "changed companies", "all companies"  # the names of the turns

# With more messages in the queue than these, documents are behind because there is much to do.
MOST_UNDER_WAY = 100
_PAGE = 5_000
_PAGE_SECONDS = 30.0  # one who has taken a page and says nothing for so long is gone
_PAGE_PAUSE = 1.0  # seconds between two pages of a walk over all companies

# Always looked at again: a Postgres that takes over for another may have a clock that is so far behind.
_CLOCKS = timedelta(seconds=3)


class HeadsLook:
    """Looks at what has changed every few seconds, and at all companies now and then; one replica for all.

    What it leaves to the next look is the time until which the documents have everything, so that hardly anything is
    compared twice; where something is still behind, the time does not move, until it is `overlap` seconds ago.
    """

    def __init__(
        self,
        gaps: MongoGaps,
        claims: MongoClaims,
        write_service: WriteService,
        repair: Repair,
        under_way: Callable[[], Awaitable[int]],
        *,
        every: float,
        overlap: float,
        walk_every: float,
        moment: float = 1.5,
    ) -> None:
        self._gaps = gaps
        self._claims = claims
        self._write_service = write_service
        self._repair = repair
        self._under_way = under_way
        self._every = every
        self._overlap = timedelta(seconds=overlap)
        self._walk_every = walk_every
        self._moment = moment
        self._due = {CHANGED: float("-inf"), WALK: float("-inf")}  # not to be asked for before: it was ours, or is not

    async def look(self) -> None:
        """Take the turns that nobody has taken. Raises StoreAway or NotAnswered."""
        now = asyncio.get_running_loop().time()
        due = [name for name, at in self._due.items() if now >= at]
        if not due or await self._under_way() > MOST_UNDER_WAY:
            return
        if WALK in due:
            await self._look_at_all()
        if CHANGED in due:
            await self._look_at_changed()

    async def _turn(self, name: str, every: float, others: float) -> Document | None:
        """As the claims say; it is not asked for again before it may be free, `others` seconds where others have it."""
        asked = asyncio.get_running_loop().time()
        state = await self._claims.turn(name, every)
        self._due[name] = asked + (others if state is None else every)
        return state

    async def _look_at_changed(self) -> None:
        state = await self._turn(CHANGED, self._every, self._every / 3)
        if state is None or "as_of" not in state:
            return  # the walk over all companies gives the time to begin from
        since = datetime.fromisoformat(state["as_of"])
        request = HeadsChanged(since=state["as_of"], limit=_PAGE)
        first = page = await self._write_service.heads(request)
        is_complete = await self._compare(page)
        while page.next is not None:
            page = await self._write_service.heads(request.model_copy(update={"after": page.next}))
            is_complete &= await self._compare(page)
        as_of = datetime.fromisoformat(first.as_of)
        until = as_of - _CLOCKS  # back too, where a clock was ahead and has been set right
        if not is_complete:
            # What is asked for may be lost once more, and what moves on may stop. Not for ever: what cannot be repaired
            # would have everything that changes from then on looked at again and again.
            until = min(until, max(since, as_of - self._overlap))
        await self._claims.leave(CHANGED, {"as_of": until.isoformat()})

    async def _look_at_all(self) -> None:
        state = await self._turn(WALK, _PAGE_SECONDS, _PAGE_SECONDS / 3)
        if state is None:
            return
        after = state.get("after")
        page = await self._write_service.heads(HeadsChanged(after=after, limit=_PAGE))
        await self._compare(page)
        rest = self._walk_every if page.next is None else _PAGE_PAUSE
        if after is None:  # and before the page is left: who begins the next one does not come here
            since = datetime.fromisoformat(page.as_of) - self._overlap
            await self._claims.begin(CHANGED, "as_of", since.isoformat())
        await self._claims.leave(WALK, {"after": page.next}, rest=rest)
        self._due[WALK] = asyncio.get_running_loop().time() + min(rest, _PAGE_SECONDS)

    async def _compare(self, page: Heads) -> bool:
        """Have what is missing sent again; whether the documents have all of it, after a moment at the latest."""
        heads = {head.company_id: head.version for head in page.heads}
        behind = missing_of(heads.items(), await self._gaps.versions(heads))
        if not behind:
            return True
        await asyncio.sleep(self._moment)  # its event may be on its way; only who has not moved by then counts
        versions = await self._gaps.versions(gap.company_id for gap in behind)
        await self._repair.mend([gap for gap in behind if versions[gap.company_id] == gap.after])
        return all(versions[gap.company_id] >= gap.up_to for gap in behind)
