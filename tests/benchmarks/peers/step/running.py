"""How a library's write step is run in a process of its own: build commands, wait for a word, register companies.

One JSON line in: {"seed", "companies"}; one line out when all is built; one line in to begin; one line out with the
moments (of the machine's monotonic clock) of the beginning and the end.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

from tests.benchmarks import workload

Register = Callable[[str, str, int], Awaitable[None]]
"""Registers a company: its id, its name, its seats. Durable when it returns."""


async def run(register: Register, at_once: int) -> None:
    """Register all companies, so many at once."""
    job = json.loads(sys.stdin.readline())
    commands = list(workload.registrations(job["seed"], job["companies"]))
    remaining = iter([(one["subject"], one["data"]["name"], one["data"]["seat_limit"]) for one in commands])
    print(json.dumps({"commands": len(commands)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.monotonic()
    await asyncio.gather(*(_some(register, remaining) for _ in range(at_once)))
    print(json.dumps({"began": began, "confirmed": time.monotonic()}), flush=True)


async def _some(register: Register, remaining: Iterator[tuple[str, str, int]]) -> None:
    for company_id, name, seats in remaining:
        await register(company_id, name, seats)
