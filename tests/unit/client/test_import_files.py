"""Reading files: whatever is wrong with a row, it is reported with its line, and the rows after it are read."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.import_files import CsvRows, JsonRows, Lines, NotImportable, Row, Unreadable, kind_of


def csv_rows(content: bytes) -> list[Row | Unreadable]:
    return list(CsvRows(Lines(BytesIO(content)), ","))


def json_rows(content: bytes) -> list[Row | Unreadable]:
    return list(JsonRows(Lines(BytesIO(content))))


def test_rows_of_csv_have_the_line_on_which_they_begin() -> None:
    found = csv_rows(b'\xef\xbb\xbfname, id\n"Two\nlines",1\n\nB,2\n')

    assert found == [Row(2, {"name": "Two\nlines", "id": "1"}), Row(5, {"name": "B", "id": "2"})]


def test_a_row_with_too_few_or_too_many_columns_is_reported() -> None:
    found = csv_rows(b"name,id\nA\nB,2,3\nC,3\n")

    assert found == [
        Unreadable(2, "1 columns where the header has 2"),
        Unreadable(3, "3 columns where the header has 2"),
        Row(4, {"name": "C", "id": "3"}),
    ]


def test_bytes_that_are_not_utf_8_spoil_their_own_row_only() -> None:
    assert csv_rows(b"name,id\nA\xff,1\nB,2\n") == [Unreadable(2, "not UTF-8"), Row(3, {"name": "B", "id": "2"})]
    assert json_rows(b'{"a": "\xff"}\n{}\n') == [Unreadable(1, "not UTF-8"), Row(2, {})]


def test_a_quote_that_is_never_closed_is_reported_with_all_its_lines() -> None:
    [bad] = csv_rows(b'name,id\n"A,1\nB,2\n')

    assert isinstance(bad, Unreadable)
    assert bad.line == 2
    assert "unexpected end of data (lines 2 to 3)" in bad.reason


def test_a_quote_closed_in_the_middle_of_a_field_is_reported_and_reading_goes_on() -> None:
    bad, good = csv_rows(b'name,id\n"A"x,1\nB,2\n')

    assert isinstance(bad, Unreadable)
    assert good == Row(3, {"name": "B", "id": "2"})


def test_a_field_without_end_is_reported_and_reading_goes_on() -> None:
    found = csv_rows(b"name,id\n" + b"x" * 200_000 + b",1\nB,2\n")

    assert isinstance(found[0], Unreadable)
    assert found[-1] == Row(3, {"name": "B", "id": "2"})


def test_lines_that_are_no_json_objects_are_reported() -> None:
    found = json_rows(b'\xef\xbb\xbf{"a": 1}\n\n{"a": \n[1]\n{"a": NaN}\n{"a": "\\ud800"}\n{"b": 2}')

    assert [(row.line, type(row)) for row in found] == [
        (1, Row), (3, Unreadable), (4, Unreadable), (5, Unreadable), (6, Unreadable), (7, Row)
    ]  # fmt: skip


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_file_is_read_to_its_end(content: bytes) -> None:
    json_rows(content)
    try:
        csv_rows(content)
    except NotImportable:
        return


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=20))
def test_no_row_of_json_is_lost_whatever_stands_beside_it(texts: list[str]) -> None:
    found = json_rows("\n".join(texts).encode())

    lines = [
        number for number, text in enumerate(texts, start=1) if text.strip("\N{ZERO WIDTH NO-BREAK SPACE}").strip()
    ]
    assert set(lines) <= {row.line for row in found}


def test_the_name_of_a_file_says_what_it_is() -> None:
    assert [kind_of(Path(name)) for name in ("a.CSV", "a.jsonl", "a.ndjson")] == ["csv", "jsonl", "jsonl"]
    with pytest.raises(NotImportable, match="--format"):
        kind_of(Path("a.txt"))
