"""/docs and /openapi.json: what can be asked, as a page that loads nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
}


def add_docs(app: FastAPI) -> None:
    """Add both to the application."""

    async def docs(_: Request) -> Response:
        return Response(page(app.openapi()), 200, _HEADERS, "text/html")

    async def openapi(_: Request) -> Response:
        return Response(to_json(app.openapi()), 200, {"cache-control": "no-cache"}, "application/json")

    app.add_route("/docs", docs, methods=["GET"], include_in_schema=False)
    app.add_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)


def page(schema: dict[str, Any]) -> str:
    """The description as HTML."""
    title = escape(schema["info"]["title"])
    routes = "".join(_route(path, methods["get"]) for path, methods in schema["paths"].items())
    models = "".join(_model(name, model) for name, model in sorted(schema["components"]["schemas"].items()))
    return _PAGE.format(title=title, style=_STYLE, routes=routes, models=models)


def _route(path: str, operation: dict[str, Any]) -> str:
    parameters = operation.get("parameters", [])
    is_complete = not any(parameter["required"] for parameter in parameters)
    shown = f'<a href="{escape(path)}">{escape(path)}</a>' if is_complete else escape(path)
    rows = "".join(_row(_called(one), _type(one["schema"]), one["description"]) for one in parameters)
    answers = "".join(_answer(status, answer) for status, answer in operation["responses"].items())
    return (
        f"<section><h3>GET {shown}</h3><p>{escape(operation['summary'])}</p>"
        f"<table>{rows}</table><table class=answers>{answers}</table></section>"
    )


def _called(parameter: dict[str, Any]) -> str:
    return f"<b>{escape(parameter['name'])}</b>{' *' if parameter['required'] else ''}<br><i>in {parameter['in']}</i>"


def _answer(status: str, answer: dict[str, Any]) -> str:
    kinds = answer.get("content", {}).values()
    return _row(f"<b>{status}</b>", ", ".join(_type(kind["schema"]) for kind in kinds), answer["description"])


def _model(name: str, model: dict[str, Any]) -> str:
    fields = model.get("properties", {}).items()
    rows = "".join(_row(f"<b>{escape(field)}</b>", _type(kind), kind.get("description", "")) for field, kind in fields)
    about = escape(model.get("description", ""))
    return f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{about}</p><table>{rows}</table></section>'


def _row(name: str, kind: str, about: str) -> str:
    return f"<tr><td>{name}</td><td>{kind}</td><td>{escape(about)}</td></tr>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(map(_type, schema.get("anyOf") or schema["oneOf"]))
    if "enum" in schema or "const" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return " ".join([schema.get("type", "anything"), *_limits(schema)])


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    words = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤", "default": "default"}
    for key, word in words.items():
        if key in schema:
            yield f"<small>{word} {escape(str(schema[key]))}</small>"
    if "pattern" in schema:
        yield f"<small><code>{escape(schema['pattern'])}</code></small>"


_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
section { border: 1px solid #ddd; border-radius: 6px; padding: 0 1rem 1rem; margin: 1rem 0; }
h3 { font-family: ui-monospace, monospace; margin: .8rem 0 0; } p { margin: .3rem 0 .6rem; }
table { border-collapse: collapse; width: 100%; } .answers { margin-top: .6rem; color: #555; }
td { border-top: 1px solid #eee; padding: .25rem .6rem .25rem 0; vertical-align: top; }
td:first-child { width: 14rem; } td:nth-child(2) { width: 22rem; }
i, small { color: #777; font-style: normal; } code { word-break: break-all; } a { color: #06c; }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1>
<p>The same queries are answered over the bus: exchange <code>queries</code>. The whole description for programs:
<a href="/openapi.json">/openapi.json</a>.</p>
<h2>Queries</h2>{routes}
<h2>What is answered</h2>{models}
</body></html>
"""
