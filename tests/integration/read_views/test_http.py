"""How HTTP answers: problem documents, tags, limits, and pages that describe it."""

import json
from collections.abc import AsyncIterator

import pytest

from read_service.entrypoints.gate import MAX_ADDRESS_BYTES, MAX_BODY_BYTES
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader

MISSING = given.new_id()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/companies/{MISSING}", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/companies", 405),
        ("DELETE", f"/companies/{MISSING}", 405),
        ("GET", "/companies/no-id", 422),
        ("GET", f"/companies?name_prefix={'x' * MAX_ADDRESS_BYTES}", 414),
    ],
)
async def test_every_refusal_is_a_problem_document(reader: Reader, method: str, path: str, status: int) -> None:
    response = await reader.http.request(method, path)

    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    document = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:registrar:problem:")
    assert document["title"]


async def test_a_method_that_is_not_allowed_is_told_which_are(reader: Reader) -> None:
    assert (await reader.http.put("/companies")).headers["allow"] == "GET"


async def test_a_body_that_is_too_large_is_refused_unread(reader: Reader) -> None:
    response = await reader.http.request("GET", "/statistics", content=b"x" * (MAX_BODY_BYTES + 1))

    assert (response.status_code, response.json()["type"]) == (413, "urn:registrar:problem:body_too_large")


async def test_a_body_of_unknown_length_ends_the_connection(reader: Reader) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"

    response = await reader.http.request("GET", "/statistics", content=endless())

    assert (response.status_code, response.headers["connection"]) == (200, "close")


async def test_a_company_has_a_tag_that_changes_with_it_and_spares_sending_it_again(reader: Reader) -> None:
    acme = given.company(version=7)
    await reader.given(companies=[acme])
    path = f"/companies/{acme['_id']}"
    first = await reader.get(path)
    tag = first.headers["etag"]

    same = [
        await reader.http.get(path, headers={"if-none-match": known})
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*")
    ]
    await reader.put("companies", {**acme, "version": 8})
    changed = await reader.http.get(path, headers={"if-none-match": tag})

    assert tag.startswith('"7-')
    assert [(one.status_code, one.content, one.headers["etag"]) for one in same] == [(304, b"", tag)] * 4
    assert (changed.status_code, changed.headers["etag"].startswith('"8-')) == (200, True)


async def test_an_erasure_changes_the_tag_though_the_version_stays(reader: Reader) -> None:
    acme = given.company(version=2)
    entry = given.activity(acme["_id"], 2, data={"user_id": MISSING, "email": "a@x.example", "full_name": "Ada"})
    await reader.given(companies=[acme], activity=[entry])
    path = f"/companies/{acme['_id']}/dashboard"
    before = (await reader.get(path)).headers["etag"]

    await reader.put("activity", {**entry, "data": {"user_id": MISSING, "email": None, "full_name": None}})
    after = await reader.http.get(path, headers={"if-none-match": before})

    assert (after.status_code, after.headers["etag"] != before) == (200, True)


async def test_lists_are_not_stored_by_caches(reader: Reader) -> None:
    assert (await reader.get("/companies")).headers["cache-control"] == "no-store"


async def test_the_page_of_what_can_be_asked_loads_nothing_from_elsewhere(reader: Reader) -> None:
    page = await reader.get("/docs")
    described = (await reader.get("/openapi.json")).json()

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "http:" not in page.text + "".join(page.headers.values())
    assert "https:" not in page.text
    for path, methods in described["paths"].items():
        assert path in page.text
        for parameter in methods["get"].get("parameters", []):
            assert f"<b>{parameter['name']}</b>" in page.text


async def test_metrics_count_queries_by_name_status_and_way(reader: Reader) -> None:
    await reader.given()
    await reader.get("/statistics")
    await reader.bus.ask("statistics.get.v1")
    await reader.bus.ask("no.such.query.v1")

    shown = (await reader.get("/metrics")).text

    for labels in (
        'name="statistics.get.v1",status="ok",via="http"',
        'name="statistics.get.v1",status="ok",via="bus"',
        'name="unknown",status="invalid",via="bus"',
    ):
        assert f"registrar_read_queries_total{{{labels}}}" in shown
    assert 'registrar_read_query_seconds_bucket{le="0.005",name="statistics.get.v1",via="http"}' in shown


async def test_ready_says_what_is_ready(reader: Reader) -> None:
    response = await reader.get("/health/ready")

    assert response.status_code == 200
    assert {"documents", "projector", "generation", "queries"} <= json.loads(response.text)["checks"].keys()
    assert (await reader.get("/health/live")).json() == {"status": "live"}
