"""Runs a command of `read-service` in this process, on the world of the test."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from read_service.__main__ import app
from read_service.adapters.generations import point_to_first
from read_service.entrypoints import verifying
from tests.integration.read_repair.conftest import World


class Commands:
    """`read-service …`: its exit code, and what it says as JSON."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REGISTRAR_AMQP_URL", world.amqp_url)
        monkeypatch.setenv("REGISTRAR_MONGO_URL", world.mongo_url)
        monkeypatch.setattr(verifying, "MOMENT", 0.2)
        self._documents = world.documents

    async def run(self, *arguments: str) -> tuple[int, Any]:
        """Runs it in a thread: it has an event loop of its own."""
        await point_to_first(self._documents)
        result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        # Replicas of the test write their logs to the same place.
        said = [line for line in result.stdout.splitlines() if line.startswith(("{", "["))]
        return result.exit_code, json.loads(said[-1]) if said else result.stderr
