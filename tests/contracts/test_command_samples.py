"""The golden commands, written and read: the client makes them to the letter, the service reads what they say."""

import json
from typing import Any

import pytest

from contracts.batching import array
from contracts.commands import COMMANDS, Command
from contracts.making import command, encode
from contracts.reading import BATCH, BATCH_KEY, SINGLE, read_command_message
from tests.contracts.samples import body, sample


def made_like(golden: dict[str, Any]) -> Command:
    """The same command, made by the client; only the time of making is put in place."""
    made: Command = command(
        golden["type"],
        golden["subject"],
        id=golden["id"],
        source=golden["source"],
        expected_version=golden.get("expectedversion"),
        actor=golden.get("actor"),
        correlation_id=golden.get("correlationid"),
        traceparent=golden.get("traceparent"),
        **golden["data"],
    )
    others = ("time", "datacontenttype", "tracestate")
    return made.model_copy(update={name: golden[name] for name in others if name in golden})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_client_writes_the_golden_command(name: str) -> None:
    golden = sample("commands", name)

    assert json.loads(encode(made_like(golden))) == golden


@pytest.mark.parametrize("name", COMMANDS)
def test_the_service_reads_the_golden_command(name: str) -> None:
    golden = sample("commands", name)

    [read] = read_command_message(body(golden), SINGLE, name).commands

    assert type(read) is COMMANDS[name]
    assert read == made_like(golden)
    assert read.model_dump(exclude_none=True) == golden


def test_the_golden_batch_is_written_and_read() -> None:
    golden = sample("commands", BATCH_KEY)

    message = read_command_message(body(golden), BATCH, BATCH_KEY)

    assert message.is_batch
    assert message.commands == [made_like(one) for one in golden]
    assert json.loads(array([encode(made_like(one)) for one in golden])) == golden


def test_a_command_needs_neither_time_nor_content_type_nor_empty_data() -> None:
    golden = sample("commands", "company.activate.v1")
    short = {name: golden[name] for name in ("specversion", "id", "source", "type", "subject")}

    [read] = read_command_message(body(short), SINGLE, short["type"]).commands

    assert isinstance(read, Command)
    assert read.data.model_dump() == {}
