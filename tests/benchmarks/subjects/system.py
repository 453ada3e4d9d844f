"""A subject that does the whole job: a write side on Postgres, a read side on MongoDB, each in processes of its own."""

import asyncio
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.stores import Documents, Log, Wrong
from tests.benchmarks.subjects.resting import Resting
from tests.benchmarks.workload import stored_id

_SETTLE_SECONDS = 30.0


@dataclass
class System:
    """A subject that runs. `writers` and `readers` are process ids by name."""

    name: str
    amqp: str
    log: Log
    documents: Documents
    writers: dict[str, int]
    readers: dict[str, int]
    http: str
    queries: dict[str, int] = field(default_factory=dict)  # where queries are answered by processes of their own
    resting: Resting = field(default_factory=Resting)

    @property
    def processes(self) -> dict[str, int]:
        """All of its processes."""
        return {**self.writers, **self.readers, **self.queries}

    def rest(self, processes: Mapping[str, int] | None = None) -> None:
        """Stop these processes where they stand (all of them unless they are named)."""
        self.resting.rest((self.processes if processes is None else processes).values())

    def wake(self, processes: Mapping[str, int] | None = None) -> None:
        """Let these processes go on (all of them unless they are named)."""
        self.resting.wake((self.processes if processes is None else processes).values())

    async def mark(self) -> None:
        """Count events from here on both sides."""
        await self.log.mark()
        await self.documents.mark()

    async def check(self) -> None:
        """Compare both sides with each other: all sums, and some companies as they are. Raises Wrong."""
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        log = await self.log.totals()
        while (documents := await self.documents.totals()) != log:
            if asyncio.get_running_loop().time() > deadline:
                raise Wrong(f"{self.name}: the log holds {log}, the documents hold {documents}")
            await asyncio.sleep(0.2)
        if log.events != log.versions:
            raise Wrong(f"{self.name}: {log.events} events, but the versions of the companies add up to {log.versions}")
        companies = await self.log.some(str(uuid.uuid4()))
        if self.documents.stocked:
            companies |= await self.log.some(stored_id(random.randrange(self.documents.stocked)))
        if (shown := await self.documents.of(companies)) != companies:
            different = dict(companies.items() - shown.items())
            raise Wrong(
                f"{self.name}: the log has {different}, the documents { ({key: shown.get(key) for key in different}) }"
            )

    async def close(self) -> None:
        """Hang up; the processes belong to the stack, which ends them."""
        self.wake()
        await self.log.close()
        await self.documents.close()
