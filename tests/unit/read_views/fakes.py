"""Stand-ins for what is around the views."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, cast

from read_service.views.answers import Answers, Reply


class _Always:
    def __init__(self, reply: Reply | Exception) -> None:
        self._reply = reply

    async def ask(self, *_: Any) -> Reply:
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


def answering(reply: Reply | Exception) -> Answers:
    """Answers every query with this, or fails with it."""
    return cast("Answers", _Always(reply))


class Store:
    """The versions that documents include; counts how often it is asked for them."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.reads = 0
        self.away = False
        self.read = asyncio.Event()

    async def read_versions(self, companies: Iterable[str]) -> Mapping[str, int]:
        """What a poll sees."""
        self.reads += 1
        self.read.set()
        if self.away:
            raise OSError("away")
        return {one: self.versions[one] for one in companies if one in self.versions}
