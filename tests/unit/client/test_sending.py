"""Sending many: as many messages at once as the window holds, those about one company one after the other."""

import asyncio
import uuid

import pytest

from contracts.commands import Command
from contracts.failures import TimedOut
from contracts.making import command
from contracts.packing import Pack
from contracts.replies import Accepted, Reply
from contracts.sending import Sending


def commands(count: int, company: uuid.UUID | None = None) -> list[Command]:
    return [command("company.rename", company or uuid.uuid4(), name=f"N {number}") for number in range(count)]


class Service:
    """Answers after a few turns of the loop, and remembers how many messages it had at once."""

    def __init__(self, failing: int | None = None) -> None:
        self.at_once = 0
        self.most_at_once = 0
        self.messages: list[list[str]] = []
        self.failing = failing

    async def send(self, packed: Pack) -> list[Reply]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.messages.append(packed.ids)
        number = len(self.messages)
        for _ in range(20 - number):  # later messages are answered sooner
            await asyncio.sleep(0)
        self.at_once -= 1
        if number == self.failing:
            raise TimedOut("no reply")
        return [Accepted(one, "", 1, "") for one in packed.ids]


async def test_the_window_bounds_how_many_messages_are_on_their_way() -> None:
    service, asked = Service(), commands(1_000)

    found = await Sending(service.send, window=3, progress=None).all(asked)

    assert [reply.command_id for reply in found] == [one.id for one in asked]
    assert service.most_at_once == 3


async def test_messages_about_one_company_are_never_on_their_way_together() -> None:
    service, company = Service(), uuid.uuid4()
    asked = commands(450, company)

    await Sending(service.send, window=8, progress=None).all(asked)

    assert service.most_at_once == 1
    assert [one for message in service.messages for one in message] == [one.id for one in asked]


async def test_the_first_failure_is_raised_and_what_was_answered_before_was_told() -> None:
    service, told = Service(failing=3), list[int]()

    def progress(first: int, _: list[Reply]) -> None:
        told.append(first)

    with pytest.raises(TimedOut, match="no reply"):
        await Sending(service.send, window=1, progress=progress).all(commands(1_000))

    assert told == [0, 100]
    assert len(service.messages) == 3
