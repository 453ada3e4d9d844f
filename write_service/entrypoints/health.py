"""The HTTP side of the service: whether it lives, whether it is ready, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

OK = "ok"
CHECK_SECONDS = 2.0

Check = Callable[[], Awaitable[str]]
"""Answers `ok`, or in a few words what is wrong; may raise."""


async def readiness(checks: Mapping[str, Check]) -> tuple[bool, dict[str, str]]:
    """Whether every check answers ok within its time, and what each one said."""
    said = await asyncio.gather(*(_answer(check) for check in checks.values()))
    return all(word == OK for word in said), dict(zip(checks, said, strict=True))


async def _answer(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except Exception as failure:  # noqa: BLE001 - whatever a check meets is what it has to tell
        return f"{type(failure).__name__}: {str(failure)[:200]}"


def application(checks: Mapping[str, Check], registry: CollectorRegistry) -> Starlette:
    """`/health/live` (200 while the loop runs), `/health/ready` (200 or 503) and `/metrics`."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        is_ready, said = await readiness(checks)
        status = "ready" if is_ready else "not_ready"
        return JSONResponse({"status": status, "checks": said}, 200 if is_ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ]
    )
