"""What each reply becomes over HTTP, whatever answers it."""

import httpx
import pytest

from contracts.errors import error
from contracts.results import Failed, InvalidQuery, NotFound, Stale
from read_service.entrypoints import http
from read_service.views.answers import Reply
from tests.unit.read_views.fakes import answering


@pytest.mark.parametrize(
    ("reply", "status", "word"),
    [
        (NotFound(), 404, "not_found"),
        (Stale(version=3), 412, "stale"),
        (InvalidQuery(errors=[error("cursor", "not ours", "cursor")]), 422, "invalid"),
        (Failed(message="ask again"), 503, "unavailable"),
        (RuntimeError("a secret of the inside"), 500, "failed"),
    ],
)
async def test_every_reply_that_is_no_result_is_a_problem_document(
    reply: Reply | Exception, status: int, word: str
) -> None:
    transport = httpx.ASGITransport(http.build(answering(reply), None), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/statistics")

    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert response.json()["type"] == f"urn:registrar:problem:{word}"
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)
