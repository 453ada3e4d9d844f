"""Readiness: every check of the moment is asked, one that raises or hangs is what is wrong."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from read_service.entrypoints import health
from read_service.entrypoints.health import OK, Check, add_health


async def ready(checks: dict[str, Check]) -> httpx.Response:
    """The response of /health/ready."""
    app = Starlette()
    add_health(app, checks)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/health/ready")


async def well() -> str:
    return OK


async def broken() -> str:
    raise ConnectionError("gone")


async def hanging() -> str:
    await asyncio.Event().wait()
    return OK


async def test_all_well_is_ready() -> None:
    response = await ready({"one": well, "two": well})

    assert (response.status_code, response.json()["checks"]) == (200, {"one": "ok", "two": "ok"})


async def test_one_that_raises_or_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)

    response = await ready({"one": well, "two": broken, "three": hanging})

    assert response.status_code == 503
    assert response.json()["checks"] == {"one": "ok", "two": "ConnectionError: gone", "three": "TimeoutError: "}


async def test_a_check_that_is_added_meanwhile_disturbs_nothing() -> None:
    checks: dict[str, Check] = {}

    async def adding() -> str:
        checks["later"] = broken
        return OK

    checks["one"] = adding
    assert (await ready(checks)).json() == {"status": "ready", "checks": {"one": "ok"}}
    assert (await ready(checks)).status_code == 503
