"""Commands without end, published with confirms by a client that mends itself."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator

from contracts.client import Client
from contracts.commands import Command
from contracts.replies import Reply
from tests.support.eventually import eventually
from tests.unit.write_service.orders import add_user, an_id, change_email, close, order, register, remove_user, rename

AT_ONCE = 8
COMPANIES = 25
AHEAD = 300  # of what a test waits for: enough to be at work at every moment, and soon caught up with


def orders(seed: int) -> Iterator[Command]:
    """Commands on a few companies: most are accepted, some rejected, some change nothing."""
    chance = random.Random(seed)
    companies = [an_id() for _ in range(COMPANIES)]
    users = [(company, an_id()) for company in companies for _ in range(20)]
    yield from (register(company, f"Company {company}", seat_limit=10_000) for company in companies)
    for number in itertools.count():
        company, user = chance.choice(users)
        match chance.randrange(8):
            case 0 | 1 | 2:
                yield add_user(company, an_id(), f"user{number}@example.com", chance.choice(["owner", "member"]))
            case 3:
                yield add_user(company, user, f"{user}@example.com")
            case 4:
                yield chance.choice([remove_user(company, user), change_email(company, user, f"{number}@example.com")])
            case 5:
                yield rename(company, f"Name {chance.randrange(40)}")
            case 6 if chance.random() < 0.7:
                yield order("company.activate", company)
            case 6:
                yield order("company.suspend", company, {"reason": "unpaid"})
            case _:
                yield close(an_id()) if chance.random() < 0.5 else rename(company, f"Name {number}")


class Load:
    """What was confirmed so far; the rest of the world may rely on it."""

    def __init__(self, client: Client, commands: Iterator[Command]) -> None:
        self._client = client
        self._commands = commands
        self._begun = 0
        self._wanted = AHEAD
        self._told = asyncio.Event()
        self._ending = False
        self.confirmed: list[Command] = []
        self.replies: list[Reply] = []

    async def more(self, number: int, within: float = 90) -> None:
        """Wait until so many more are confirmed."""
        goal = len(self.confirmed) + number
        self._wanted = goal + AHEAD
        self._told.set()
        await eventually(lambda: len(self.confirmed), until=lambda found: found >= goal, within=within)

    async def publish(self) -> None:
        """Publish one after the other until the end is near."""
        while (command := await self._next()) is not None:
            await self._client.publish(command, timeout=100)
            self.confirmed.append(command)

    async def send(self) -> None:
        """Send one after the other, each when the outcome of the one before it is known."""
        while (command := await self._next()) is not None:
            self.replies.append(await self._client.send(command, timeout=100))
            self.confirmed.append(command)

    async def end(self, publishing: list[asyncio.Task[None]]) -> None:
        """Finish what was begun."""
        self._ending = True
        self._told.set()
        await asyncio.gather(*publishing)

    async def _next(self) -> Command | None:
        while self._begun >= self._wanted and not self._ending:
            self._told.clear()
            await self._told.wait()
        self._begun += 1
        return None if self._ending else next(self._commands)


@contextlib.asynccontextmanager
async def load(amqp_url: str, seed: int = 1, senders: int = 0) -> AsyncIterator[Load]:
    """Commands keep coming while the block runs; after it every one that was begun is confirmed.

    So many of those who publish wait for replies, and send again where they miss one.
    """
    async with Client(amqp_url, name="load") as client:
        made = Load(client, orders(seed))
        ways = [made.send] * senders + [made.publish] * (AT_ONCE - senders)
        publishing = [asyncio.create_task(way()) for way in ways]
        try:
            yield made
            await made.end(publishing)
        finally:
            for task in publishing:
                task.cancel()


async def published(amqp_url: str, number: int, seed: int = 1) -> list[Command]:
    """So many commands, confirmed."""
    async with Client(amqp_url, name="load") as client:
        commands = list(itertools.islice(orders(seed), number))
        await asyncio.gather(*(client.publish(command) for command in commands))
        return commands
