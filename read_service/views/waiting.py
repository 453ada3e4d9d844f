"""Waiting for versions: queries sleep until the engine of this process or one shared poll has seen them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from read_service.metrics import WAITERS
from read_service.views.refusals import NotNow

ReadVersions = Callable[[Iterable[str]], Awaitable[Mapping[str, int]]]
Wanted = Callable[[str, int], None]

_PAUSE_SECONDS = 0.5  # after a poll that failed

log = structlog.get_logger()


class Watch:
    """One query's wait. A wake-up is a hint: whoever is woken looks at the documents for himself."""

    def __init__(self) -> None:
        self.missing: dict[str, int] = {}
        self.woken = asyncio.Event()


class Waiting:
    """The queries of this process that wait for versions of companies."""

    def __init__(self, read_versions: ReadVersions, wanted: Wanted, *, limit: int, poll_seconds: float) -> None:
        self._read_versions = read_versions
        self._wanted = wanted
        self._limit = limit
        self._poll_seconds = poll_seconds
        self._watches: dict[str, set[Watch]] = {}
        self._asleep = 0
        self._somebody = asyncio.Event()
        self._stopped = False

    @contextmanager
    def watch(self, versions: Mapping[str, int]) -> Iterator[Watch]:
        """A watch over these versions. It begins before the caller's first look, so that nothing falls in between."""
        watch = Watch()
        self._watch_for(watch, versions)
        try:
            yield watch
        finally:
            self._watch_for(watch, {})

    async def sleep(self, watch: Watch, missing: Mapping[str, int], deadline: float) -> bool:
        """Sleep until one of the missing versions was seen: True; False when the loop's time passes the deadline.

        Raises NotNow when too many do, or the service stops.
        """
        if self._stopped:
            raise NotNow("this service stops: ask again")
        if self._asleep >= self._limit:
            raise NotNow("too many queries wait at this moment: ask again")
        # What is there already must not wake again: it would be a poll of its own for this query.
        self._watch_for(watch, missing)
        for company_id, version in missing.items():
            self._wanted(company_id, version)
        self._count(+1)
        try:
            async with asyncio.timeout_at(deadline):
                await watch.woken.wait()
        except TimeoutError:
            return False
        finally:
            self._count(-1)
        watch.woken.clear()
        return True

    def applied(self, versions: Mapping[str, int]) -> None:
        """Wake whoever waits for these companies at these versions. The engine calls it after each commit."""
        for company_id in self._watches.keys() & versions.keys():
            for watch in self._watches[company_id]:
                if watch.missing[company_id] <= versions[company_id]:
                    watch.woken.set()

    async def follow(self) -> None:
        """Look at what other replicas applied, with one read for all waiters, for as long as there are any."""
        loop = asyncio.get_running_loop()
        while True:
            await self._somebody.wait()
            began = loop.time()
            try:
                self.applied(await self._read_versions(list(self._watches)))
                # A long read is not repeated at once: polling takes a fifth of the time at most.
                pause = max(self._poll_seconds, 4 * (loop.time() - began))
            except Exception as failure:  # noqa: BLE001 - the store is away: the waiters' own time limits hold
                log.warning("positions_unread", error=str(failure))
                pause = _PAUSE_SECONDS
            await asyncio.sleep(pause)

    def stop(self) -> None:
        """Send all waiters away, and whoever comes after them."""
        self._stopped = True
        for watches in self._watches.values():
            for watch in watches:
                watch.woken.set()

    def _count(self, change: int) -> None:
        self._asleep += change
        WAITERS.set(self._asleep)
        if self._asleep:
            self._somebody.set()
        else:
            self._somebody.clear()

    def _watch_for(self, watch: Watch, versions: Mapping[str, int]) -> None:
        for company_id in watch.missing.keys() - versions.keys():
            self._watches[company_id].discard(watch)
            if not self._watches[company_id]:
                del self._watches[company_id]
        for company_id in versions.keys() - watch.missing.keys():
            self._watches.setdefault(company_id, set()).add(watch)
        watch.missing = dict(versions)
