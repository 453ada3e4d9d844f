"""The description of the HTTP side tells the truth: what it allows is answered so, what it forbids is refused."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts import tokens
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
PROGRAM = Path(sys.executable).parent / "schemathesis"
EMAIL = "ada@acme.example"


async def run(schema: dict[str, Any], url: str, folder: Path, *options: str) -> tuple[int | None, str]:
    """The exit code and the report of schemathesis, all checks on."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(schema))
    program = await asyncio.create_subprocess_exec(
        *(str(PROGRAM), "--config-file", str(CONFIGURATION)),
        *("run", str(file), "--url", url, "--checks", "all", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report, _ = await program.communicate()
    return program.returncode, report.decode()


def knowing(schema: dict[str, Any], company_id: str, command_id: str) -> dict[str, Any]:
    """The description with what it cannot say: which strings are ids, emails and tokens of something that is there.

    Cursors are left out: which strings are one depends on the query.
    """
    known = {"company_id": company_id, "command_id": command_id}
    for methods in schema["paths"].values():
        parameters = [one for one in methods["get"]["parameters"] if one["name"] != "cursor"]
        methods["get"]["parameters"] = parameters
        for parameter in parameters:
            match parameter["name"]:
                case "after":
                    parameter["schema"]["items"] = {"enum": [tokens.encode(company_id, 1)]}
                case "email":
                    parameter["schema"] = {"enum": [EMAIL]}
                case "company_id" | "command_id" as name:
                    parameter["example"] = known[name]
    return schema


@pytest.fixture
async def described(reader: Reader) -> dict[str, Any]:
    """The description, and a document of each kind."""
    acme = given.company(version=3, users={"owner": 1, "admin": 0, "member": 0})
    company_id = acme["_id"]
    entries = [given.activity(company_id, version) for version in (1, 2, 3)]
    await reader.given(
        companies=[acme, given.company("Beta")],
        users=[given.user(company_id, EMAIL), given.user(company_id, None, full_name=None)],
        activity=entries,
        statistics=[{"_id": 0, "companies": {"registered": 2}, "users": {"registered": {"owner": 1}}}],
        positions=[given.position(company_id, 3)],
    )
    return knowing((await reader.get("/openapi.json")).json(), company_id, entries[0]["command_id"])


async def test_all_that_is_described_holds(reader: Reader, described: dict[str, Any], tmp_path: Path) -> None:
    code, report = await run(described, str(reader.http.base_url), tmp_path)

    assert code == 0, report
    assert "Tested: 9" in report


async def test_a_description_that_promises_another_type_is_found_out(
    reader: Reader, described: dict[str, Any], tmp_path: Path
) -> None:
    described["components"]["schemas"]["Company"]["properties"]["version"] = {"type": "string"}
    described["paths"] = {"/companies": described["paths"]["/companies"]}

    code, report = await run(described, str(reader.http.base_url), tmp_path, "--phases", "fuzzing")

    assert code == 1, report
    assert "Response violates schema" in report
