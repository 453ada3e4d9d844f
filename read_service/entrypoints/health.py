"""Health: whether the process lives, and whether it can do its work now; and the metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from read_service.metrics import REGISTRY

OK = "ok"

# A check returns "ok" or what is wrong; raising counts as wrong.
Check = Callable[[], Awaitable[str]]

_CHECK_SECONDS = 2.0


def add_health(app: Starlette, checks: dict[str, Check]) -> None:
    """Add /health/live, /health/ready and /metrics to the application."""

    async def live(_: Request) -> Response:
        return Response(to_json({"status": "live"}), media_type="application/json")

    async def ready(_: Request) -> Response:
        asked = dict(checks)  # while the service starts, checks are added
        results = await asyncio.gather(*(_outcome(check) for check in asked.values()))
        found = dict(zip(asked, results, strict=True))
        is_ready = all(result == OK for result in results)
        body = to_json({"status": "ready" if is_ready else "not_ready", "checks": found})
        return Response(body, 200 if is_ready else 503, media_type="application/json")

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    app.add_route("/health/live", live, methods=["GET"], include_in_schema=False)
    app.add_route("/health/ready", ready, methods=["GET"], include_in_schema=False)
    app.add_route("/metrics", metrics, methods=["GET"], include_in_schema=False)


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is what is wrong
        return f"{type(failure).__name__}: {failure}"
