"""The queries over HTTP: each route is a query of the bus, answered by the same function."""

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from contracts.queries import QUERIES
from contracts.results import RESULTS, Company, Dashboard, Failed, InvalidQuery, Ok, Stale
from read_service.entrypoints.auth import Auth
from read_service.entrypoints.gate import Gate
from read_service.entrypoints.openapi import PROBLEMS, describe
from read_service.entrypoints.parameters import documented, values_of
from read_service.entrypoints.problem import problem
from read_service.entrypoints.refusals import answer_refusals
from read_service.views.answers import Answers, Reply

Endpoint = Callable[[Request], Awaitable[Response]]

ROUTES = {
    "/companies": "company.list.v1",
    "/companies/names": "company.names.v1",
    "/companies/{company_id}": "company.get.v1",
    "/companies/{company_id}/dashboard": "company.dashboard.v1",
    "/companies/{company_id}/activity": "company.activity.v1",
    "/companies/{company_id}/users": "user.list.v1",
    "/users": "user.find.v1",
    "/statistics": "statistics.get.v1",
    "/commands/{command_id}": "command.get.v1",
}


def build(answers: Answers, auth: Auth | None) -> FastAPI:
    """The application with all its query routes; health, metrics and pages are added to it."""
    app = FastAPI(title="Registrar, read service", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    for path, name in ROUTES.items():
        model = QUERIES[name]
        app.add_api_route(
            path,
            _endpoint(answers, name),
            name=name,
            operation_id=name.replace(".", "_"),
            summary=(model.__doc__ or "").strip(),
            response_model=RESULTS[name],
            responses=PROBLEMS,
            openapi_extra={"parameters": documented(model, path)},
        )
    describe(app, with_keys=auth is not None)
    answer_refusals(app)
    app.add_middleware(Gate, auth=auth)
    return app


def _endpoint(answers: Answers, name: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        parameters = values_of(request.scope["query_string"], request.path_params)
        return _response(await answers.ask(name, parameters, "http"), request)

    return endpoint


def _response(reply: Reply, request: Request) -> Response:
    match reply:
        case Ok(result=result):
            return _shown(result, request)
        case InvalidQuery(errors=errors):
            return problem(422, "; ".join(found["msg"] for found in errors), errors=errors)
        case Stale(version=version):
            return problem(412, f"they include version {version}: ask again", version=version)
        case Failed(message=message):
            return problem(503, message, headers={"retry-after": "1"})
        case _:
            return problem(404)


def _shown(result: Any, request: Request) -> Response:
    body = to_json(result)
    version = _version_of(result)
    if version is None:
        return Response(body, 200, {"cache-control": "no-store"}, "application/json")
    # The checksum tells apart what one version may look like: before and after an erasure, or a new release.
    tag = f'"{version}-{zlib.crc32(body):08x}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if _has(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "application/json")


def _version_of(result: BaseModel) -> int | None:
    match result:
        case Company(version=version) | Dashboard(company=Company(version=version)):
            return version
        case _:
            return None


def _has(if_none_match: str | None, tag: str) -> bool:
    if if_none_match is None:
        return False
    known = [entry.strip().removeprefix("W/") for entry in if_none_match.split(",")]
    return tag in known or known == ["*"]
