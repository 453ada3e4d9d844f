"""The commands that the service's MongoDB driver sends, as the driver itself reports them."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import monitoring

_NOT_PART_OF_THE_QUERY = ("lsid", "$clusterTime", "$db", "$readPreference", "readConcern", "maxTimeMS", "txnNumber")


class Sent(monitoring.CommandListener):
    """Remembers the reads of a database while somebody looks. Registered once: only later clients are heard."""

    def __init__(self) -> None:
        self._database: str | None = None
        self._seen: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def reads(self, database: str) -> Iterator[list[dict[str, Any]]]:
        """The find and aggregate commands that are sent to the database within the block."""
        seen: list[dict[str, Any]] = []
        self._seen = seen
        self._database = database
        try:
            yield seen
        finally:
            self._database = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.database_name == self._database and event.command_name in ("find", "aggregate"):
            self._seen.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


_SHOWN = {f"{name}.g1" for name in ("companies", "users", "activity", "statistics", "outcomes")}


def of_views(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that read what views show: the engine and the repair of the same service read other collections."""
    return [command for command in seen if {command.get("find"), command.get("aggregate")} & _SHOWN]


def plain(command: Mapping[str, Any]) -> dict[str, Any]:
    """The command without what belongs to its connection, so that it can be explained."""
    return {key: value for key, value in command.items() if key not in _NOT_PART_OF_THE_QUERY}


SENT = Sent()
