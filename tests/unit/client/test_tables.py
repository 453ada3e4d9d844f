"""Tables show what came from others as text: no markup, nothing that a terminal obeys."""

from io import StringIO
from typing import Any

from rich.console import Console

from contracts.queries import QUERIES
from contracts.results import RESULTS
from contracts.tables import plain, result_tables
from tests.contracts.samples import sample


def shown(result: Any) -> str:
    written = StringIO()
    Console(file=written, width=200).print(*result_tables(result), sep="\n")
    return written.getvalue()


def test_markup_and_control_characters_are_shown_and_not_obeyed() -> None:
    assert plain("[red]x[/red]").plain == "[red]x[/red]"
    assert plain("a\x1b[31mb\u202ec").plain == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c"


def test_every_result_can_be_shown() -> None:
    for name in RESULTS:
        result = sample("queries", f"{name}.reply")["result"]
        assert shown(result).strip(), name


def test_a_page_shows_the_fields_that_some_item_has() -> None:
    page = sample("queries", "company.list.v1.reply")["result"]

    text = shown(page)

    assert "Acme & Söhne" in text
    assert "owner 1, admin 0, member 2" in text
    assert "status_reason" not in text
    assert "--cursor eyJuIjoiYWNtZSJ9" in text


def test_an_empty_page_says_so() -> None:
    assert shown({"items": [], "next_cursor": None}).strip() == "nothing"


def test_every_parameter_of_every_query_is_an_option_of_ask() -> None:
    from contracts.cli_ask import ask  # noqa: PLC0415

    options = set(ask.__annotations__)
    assert {field for query in QUERIES.values() for field in query.model_fields} <= options
