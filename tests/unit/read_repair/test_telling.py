"""What `read-service verify` says to a person."""

import pytest

from read_service.entrypoints.verify import _tell
from read_service.entrypoints.verifying import Report


def test_a_name_with_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    difference = "company: name is '[/x]' instead of '[bold]Acme[/bold]'"
    _tell(Report(companies=1, differences={"a": [difference]}), None, {}, as_json=False)
    assert capsys.readouterr().out == f"a\n  {difference}\n1 companies compared, 1 differ\n"
