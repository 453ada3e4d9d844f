"""The parameters of an HTTP request as a query's values, and as OpenAPI describes them."""

import re
from typing import Any
from urllib.parse import parse_qsl

from contracts.queries import Query

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,11}")
_NUMBERS = {"limit", "wait_ms"}


def values_of(query_string: bytes, path: dict[str, str]) -> dict[str, Any]:
    """Values for a query's strict validation: what is said twice or is no number stays what it is and is refused."""
    found: dict[str, Any] = dict(path)
    if not query_string:
        return found
    # What is no UTF-8 stays visible as lone surrogates, which validation refuses; a name goes back to the caller.
    for escaped, text in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="surrogateescape"):
        name = escaped.encode(errors="replace").decode()
        value: Any = int(text) if name in _NUMBERS and _INTEGER.fullmatch(text) else text
        if name == "after" or name in found:
            found.setdefault(name, [])
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    return found


def documented(model: type[Query], path: str) -> list[dict[str, Any]]:
    """The parameters of a query as OpenAPI lists them; those named in the path are there, the others in the query."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {**_parameter(name, about, path), "required": name in required} for name, about in schema["properties"].items()
    ]


def _parameter(name: str, about: dict[str, Any], path: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path" if f"{{{name}}}" in path else "query",
        "description": _DESCRIPTIONS.get(name, ""),
        "schema": _schema(about),
        **({"style": "form", "explode": True} if name == "after" else {}),
    }


def _schema(about: dict[str, Any]) -> dict[str, Any]:
    """The form that a value has in an address: never null, and a list is a parameter said several times."""
    forms = [form for form in about.get("anyOf", [about]) if form.get("type") != "null"]
    chosen = next((form for form in forms if form.get("type") == "array"), forms[0])
    default = {"default": about["default"]} if about.get("default") not in (None, []) else {}
    return {**{key: value for key, value in chosen.items() if key not in ("title", "default")}, **default}


_DESCRIPTIONS = {
    "after": "tokens of replies to commands: answer from documents that include those commands",
    "wait_ms": "how long to wait for them",
    "limit": "how many items a page has",
    "cursor": "next_cursor of the page before, of the same query",
    "status": "only companies with this status",
    "name_prefix": "only companies whose name begins so, compared as names are",
    "sort": "the order; a minus turns it round",
    "role": "only users with this role",
    "email": "as it was given, upper or lower case",
    "company_id": "the id that the company was registered under",
    "command_id": "the id of the command message",
}
