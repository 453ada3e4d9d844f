"""What the framework refuses by itself (unknown routes and methods, failures), as problem documents too."""

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from read_service.entrypoints.problem import problem

log = structlog.get_logger()


def answer_refusals(app: FastAPI) -> None:
    """Have the application answer all its own refusals by problem documents."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, refusal: HTTPException) -> Response:
        return problem(refusal.status_code, None, headers=dict(refusal.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, refusal: RequestValidationError) -> Response:
        return problem(422, str(refusal))

    @app.exception_handler(Exception)
    async def failed(request: Request, failure: Exception) -> Response:
        log.error("request_failed", path=request.url.path, exc_info=failure)
        return problem(500)
