"""Readiness tells the truth: every check well, within its time, or which one is not and why."""

import asyncio

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from write_service.entrypoints import health
from write_service.entrypoints.health import application, readiness


async def well() -> str:
    return "ok"


async def ill() -> str:
    return "the connection is down"


async def broken() -> str:
    raise ConnectionResetError("by peer")


async def silent() -> str:
    await asyncio.Event().wait()
    return "ok"


async def test_it_is_ready_when_every_check_says_so() -> None:
    assert await readiness({"one": well, "two": well}) == (True, {"one": "ok", "two": "ok"})


async def test_it_is_not_ready_when_one_does_not_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.01)
    checks = {"one": well, "two": ill, "three": broken, "four": silent}
    assert await readiness(checks) == (
        False,
        {
            "one": "ok",
            "two": "the connection is down",
            "three": "ConnectionResetError: by peer",
            "four": "no answer within 0.01 s",
        },
    )


async def test_over_http_it_lives_while_it_is_not_ready_and_shows_its_metrics() -> None:
    registry = CollectorRegistry()
    Gauge("waiting", "How many wait", registry=registry).set(7)
    transport = httpx.ASGITransport(application({"one": ill}, registry))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (
            503,
            {"status": "not_ready", "checks": {"one": "the connection is down"}},
        )
        assert (await client.get("/health/live")).status_code == 200
        assert "waiting 7.0" in (await client.get("/metrics")).text
