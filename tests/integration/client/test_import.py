"""`registrar import` against a broker and somebody who answers: every row has an outcome, and again changes nothing."""

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from contracts.import_plan import NAMESPACE
from tests.integration.client.responder import Responder
from tests.integration.client.typing_it import Registrar
from tests.support.eventually import eventually

SHARED_IDS = "Security,CIK,Founded\nFox (A),17,2019\n3M,66,1902\nFox (B),17,2019\n"


@pytest.fixture
def shares(tmp_path: Path) -> str:
    """A file in which two rows have the same id."""
    path = tmp_path / "shares.csv"
    path.write_text(SHARED_IDS)
    return str(path)


def rows_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def company_line(name: str, users: int = 0, **more: Any) -> str:
    people = [
        {"id": str(uuid.uuid4()), "email": f"u{n}@x.example", "full_name": "U", "role": "owner"} for n in range(users)
    ]
    return json.dumps({"company": name, "id": str(uuid.uuid4()), "seat_limit": 500, "users": people, **more}) + "\n"


async def test_a_row_that_shares_its_id_is_rejected_and_makes_the_exit_code_one(
    registrar: Registrar, responder: Responder, shares: str
) -> None:
    done = await registrar("import", shares, "--json")

    assert done.code == 1
    assert [(row["line"], row["name"], row["status"], row.get("code")) for row in rows_of(done.out)] == [
        (2, "Fox (A)", "accepted", None),
        (3, "3M", "accepted", None),
        (4, "Fox (B)", "rejected", "company_already_exists"),
    ]
    assert set(responder.versions) == {str(uuid.uuid5(NAMESPACE, "cik:17")), str(uuid.uuid5(NAMESPACE, "cik:66"))}


async def test_a_second_import_finds_everything_done_and_changes_nothing(
    registrar: Registrar, responder: Responder, shares: str
) -> None:
    first = await registrar("import", shares, "--json")
    versions = dict(responder.versions)

    second = await registrar("import", shares, "--json")

    assert second.code == 0
    assert [row["repeated"] for row in rows_of(second.out)] == [True, True, True]
    assert [row["status"] for row in rows_of(second.out)] == [row["status"] for row in rows_of(first.out)]
    assert all(command["repeated"] for row in rows_of(second.out) for command in row["commands"])
    assert responder.versions == versions


async def test_people_see_where_names_come_from_a_table_of_failures_and_a_summary(
    registrar: Registrar, responder: Responder, shares: str
) -> None:
    done = await registrar("import", shares)

    assert "name from the column Security, id from the column CIK" in done.out
    assert "company_already_exists: The company exists already." in done.out
    assert "together" in done.out
    assert len(done.err.splitlines()) == 1, "the progress bar is one line where nobody looks"
    assert "4/4 lines, 3 commands, 1 rows failed" in done.err


async def test_what_belongs_to_a_company_follows_its_registration_in_order(
    registrar: Registrar, responder: Responder, tmp_path: Path
) -> None:
    path = tmp_path / "companies.jsonl"
    path.write_text("".join(company_line(f"Company {n}", users=130, status="active") for n in range(3)))

    done = await registrar("import", str(path), "--json")

    assert done.code == 0
    for row in rows_of(done.out):
        assert [one["version"] for one in row["commands"]] == list(range(1, 133))
        kinds = [one["type"] for one in row["commands"]]
        assert kinds == ["company.register.v1", *["user.add.v1"] * 130, "company.activate.v1"]


async def test_nothing_is_added_to_a_company_of_somebody_else(
    registrar: Registrar, responder: Responder, tmp_path: Path
) -> None:
    path, company = tmp_path / "twice.jsonl", str(uuid.uuid4())
    path.write_text(company_line("One", users=1, id=company) + company_line("Other", users=2, id=company))

    done = await registrar("import", str(path), "--json")

    other = rows_of(done.out)[1]
    assert (other["status"], other["code"]) == ("rejected", "company_already_exists")
    assert [one["status"] for one in other["commands"]] == ["rejected", "not_sent", "not_sent"]
    assert responder.versions == {company: 2}


async def test_the_same_row_twice_is_one_company_and_no_failure(
    registrar: Registrar, responder: Responder, tmp_path: Path
) -> None:
    path = tmp_path / "same.csv"
    path.write_text("name,id\nAcme,1\nAcme,1\n")

    done = await registrar("import", str(path), "--json")

    assert done.code == 0
    assert [(row["status"], row["repeated"]) for row in rows_of(done.out)] == [("accepted", False), ("accepted", True)]


async def test_rows_that_cannot_be_read_are_reported_and_the_others_are_imported(
    registrar: Registrar, responder: Responder, tmp_path: Path
) -> None:
    path, failures = tmp_path / "bad.csv", tmp_path / "failures.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbfname,id\r\nGood,1\r\n,2\r\nNo id,\r\nBad \xff bytes,4\r\nshort\r\n"
        + b"x" * 201
        + b",6\r\nLast,7\r\n"
    )

    done = await registrar("import", str(path), "--json", "--failures", str(failures))

    assert done.code == 1
    assert [(row["line"], row["status"]) for row in rows_of(done.out)] == [
        (2, "accepted"), (3, "invalid"), (4, "invalid"), (5, "unreadable"), (6, "unreadable"), (7, "invalid"),
        (8, "accepted"),
    ]  # fmt: skip
    assert [json.loads(line)["line"] for line in failures.read_text().splitlines()] == [3, 4, 5, 6, 7]


async def test_without_answers_the_import_ends_with_three_and_can_be_run_again(
    registrar: Registrar, responder: Responder, shares: str
) -> None:
    responder.answering.clear()
    lost = await registrar("import", shares, "--json", "--timeout", "0.3")
    responder.answering.set()

    again = await registrar("import", shares, "--json")

    assert lost.code == 3
    assert "Import the file again" in lost.err
    assert [row["status"] for row in rows_of(lost.out)] == ["unanswered"] * 3
    assert [row["status"] for row in rows_of(again.out)] == ["accepted", "accepted", "rejected"]


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ("", (), "The file is empty"),
        ("title,number\nA,1\n", (), "Which column holds the company's name? Say --name-column, one of: title, number"),
        ("name,number\nA,1\n", (), "Which column holds the company's id?"),
        ("n\u00e4me,id\nA,1\n", (), "The file is not UTF-8."),
        ("name;id\nA;1\n", ("--delimiter", "semicolon"), "--delimiter is one character"),
        ("name,id\nA,1\n", ("--id-column", "CIK"), "There is no column CIK; there are: name, id"),
        ("name,id,name\nA,1,B\n", (), "The header names the column name twice."),
    ],
)
async def test_a_file_that_cannot_be_imported_says_why_before_anything_is_sent(
    content: str, arguments: tuple[str, ...], says: str, registrar: Registrar, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(content, encoding="latin-1")

    done = await registrar("import", str(path), *arguments)

    assert done.code == 2
    assert says in done.err


async def test_a_killed_import_is_finished_by_the_next_one(
    vhost: str, registrar: Registrar, responder: Responder, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("name,id\n" + "".join(f"Company {n},{n}\n" for n in range(3_000)))
    program = Path(sys.executable).parent / "registrar"
    process = await asyncio.create_subprocess_exec(
        program, "import", str(path), env={"REGISTRAR_AMQP_URL": vhost}, stdout=asyncio.subprocess.DEVNULL
    )
    await eventually(lambda: len(responder.outcomes), until=lambda done: done >= 300, every=0.001)
    process.kill()
    await process.wait()
    before = len(responder.outcomes)

    done = await registrar("import", str(path), "--json")

    assert done.code == 0
    assert before < 3_000
    assert len(rows_of(done.out)) == len(responder.versions) == 3_000
    assert set(responder.versions.values()) == {1}
