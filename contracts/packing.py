"""Packing commands into batch messages so that commands about one company travel together, in their order."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from contracts.batching import cut
from contracts.commands import Command
from contracts.making import encode
from contracts.values import MAX_BATCH, MAX_MESSAGE_BYTES


class Pack:
    """The commands of one batch message, as JSON objects, with the ids that replies will name."""

    def __init__(self) -> None:
        self.objects: list[bytes] = []
        self.ids: list[str] = []
        self.companies: set[str] = set()
        self._bytes = 2

    def fits(self, objects: list[bytes]) -> bool:
        """Whether these can travel in the same message."""
        return (
            len(self.objects) + len(objects) <= MAX_BATCH
            and self._bytes + sum(map(len, objects)) + len(objects) <= MAX_MESSAGE_BYTES
        )

    def add(self, company_id: str, objects: list[bytes], ids: list[str]) -> None:
        """Take these commands of one company."""
        self.objects += objects
        self.ids += ids
        self.companies.add(company_id)
        self._bytes += sum(map(len, objects)) + len(objects)


def pack(commands: Iterable[Command]) -> Iterator[Pack]:
    """Messages that hold the commands in their order; reads no further ahead than one message.

    Neighbours about one company stay together where one message can hold them. Where it cannot, they are in messages
    of which each names that company in `companies`: whoever sends those one after the other keeps their order.
    """
    packed = Pack()
    for company_id, objects, ids in _runs(commands):
        if packed.objects and not packed.fits(objects):
            yield packed
            packed = Pack()
        packed.add(company_id, objects, ids)
    if packed.objects:
        yield packed


def _runs(commands: Iterable[Command]) -> Iterator[tuple[str, list[bytes], list[str]]]:
    """Runs of neighbours about one company, each small enough for one message."""
    for company_id, run in groupby(commands, key=lambda command: command.subject):
        ids: list[str] = []
        # cut() may have read one object more than it yields, so ids are taken from the front.
        for objects in cut(_encoded(run, ids)):
            yield company_id, objects, ids[: len(objects)]
            del ids[: len(objects)]


def _encoded(commands: Iterable[Command], ids: list[str]) -> Iterator[bytes]:
    for command in commands:
        ids.append(command.id)
        yield encode(command)
