"""The description of the HTTP side: everything that it may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from read_service.entrypoints.problem import MEDIA_TYPE, TITLES, Problem

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key or a JWT"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": TITLES[status][1], "content": {MEDIA_TYPE: {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: _problem(status) for status in (401, 403, 404, 412, 413, 414, 422, 500, 503)
}


def describe(app: FastAPI, *, with_keys: bool) -> None:
    """Have the application describe itself, its problem documents and its keys included."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}), Problem=problem)
            if with_keys:
                schema["components"]["securitySchemes"] = _SECURITY
                schema["security"] = [{name: []} for name in _SECURITY]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
