"""Problem documents (RFC 9457): how HTTP says what is wrong."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.responses import Response

from contracts.errors import Error

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """A problem document. `errors` comes with 422, `version` with 412."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "title", "status"]})

    type: str = Field(description="a stable word for programs: urn:registrar:problem:…")
    title: str
    status: int
    detail: str | None = None
    errors: list[Error] | None = None
    version: int | None = Field(default=None, description="what the documents include of the company waited for")


TITLES = {
    400: ("bad_request", "The request cannot be read"),
    401: ("unauthorized", "A key or a token is needed"),
    403: ("forbidden", "This token does not allow it"),
    404: ("not_found", "There is no such thing"),
    405: ("method_not_allowed", "This method is not allowed here"),
    412: ("stale", "The documents do not include that command yet"),
    413: ("body_too_large", "The body is too large"),
    414: ("address_too_long", "The address is too long"),
    422: ("invalid", "The query is invalid"),
    500: ("failed", "Something went wrong here"),
    503: ("unavailable", "The query cannot be answered at this moment"),
}


def problem(status: int, detail: str | None = None, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """The response that says what is wrong; `more` are `errors` or `version`."""
    word, title = TITLES.get(status, ("http", "The request failed"))
    document = {"type": f"urn:registrar:problem:{word}", "title": title, "status": status}
    if detail is not None:
        document["detail"] = detail
    return Response(to_json({**document, **more}), status, headers, MEDIA_TYPE)
