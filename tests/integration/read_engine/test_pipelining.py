"""Write commands of a transaction in one flight: none waits for another's answer, and the first failure says why."""

from typing import Any

import pytest
from pymongo.errors import InvalidOperation, NetworkTimeout

from read_service.adapters.mongo import Calls, Database, Document, connected, in_transaction, run, transaction
from read_service.adapters.mongo import StoreAway as Failure
from read_service.projections.ports import Clashed, RefusedData
from tests.integration.read_engine.test_failures import port_of, through
from tests.support.fresh import MongoDatabase
from tests.support.holding import holding_proxy

SOME, OTHER = "positions.g1", "activity.g1"
LARGE = "x" * (15 * 1024 * 1024)


def insert(collection: str, *ids: str, **fields: Any) -> Document:
    return {"insert": collection, "documents": [{"_id": one, **fields} for one in ids]}


async def stored(database: Database, collection: str = SOME) -> list[str]:
    return sorted([document["_id"] async for document in database[collection].find({}, {"_id": 1})])


@pytest.mark.parametrize("after_a_read", [True, False])
async def test_no_command_waits_for_the_answer_to_the_one_before(
    documents: Database, mongo_database: MongoDatabase, *, after_a_read: bool
) -> None:
    async with (
        holding_proxy(port_of(mongo_database.url)) as (holding, port),
        connected(through(mongo_database.url, port), name="test", answer_timeout=5) as database,
        await database.client.start_session() as session,
    ):
        await database.command("ping")

        def body(calls: Calls) -> None:
            if after_a_read:
                calls.find(SOME, {})
            holding.word = b"the last one"
            calls.run([insert(SOME, "1"), insert(OTHER, "2"), insert(SOME, "the last one")])

        await in_transaction(database, session, body)
    assert await stored(documents) == ["1", "the last one"]
    assert await stored(documents, OTHER) == ["2"]


FAULTS: dict[str, tuple[Document, type[Exception]]] = {
    "an insert of what is there": (insert(SOME, "there"), Clashed),
    "an insert of what is there, among others": (insert(SOME, "new", "there", "newer"), Clashed),
    "an update that the server refuses": (
        {"update": SOME, "updates": [{"q": {}, "u": {"$no": {"a": 1}}}]},
        RefusedData,
    ),
    # The server refuses it before it looks for the transaction, which goes on with what comes after.
    "a command that there is not": ({"no such command": SOME}, Failure),
    "a command of more than a message may hold": (insert(SOME, "1", "2", "3", "4", body=LARGE), RefusedData),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("before", [0, 1, 3])
async def test_the_first_failure_says_why_and_nothing_is_left_of_the_transaction(
    documents: Database, fault: str, before: int
) -> None:
    await documents[SOME].insert_one({"_id": "there"})
    refused, meaning = FAULTS[fault]
    commands = [*(insert(OTHER, f"{number}") for number in range(before)), refused, insert(OTHER, "after it")]
    async with await documents.client.start_session() as session:
        with pytest.raises(meaning):
            await in_transaction(documents, session, lambda calls: calls.run(commands))
        assert (await stored(documents), await stored(documents, OTHER)) == (["there"], [])

        # The same session, and most likely the same connection: no answer of the one before is left on it.
        found = await in_transaction(documents, session, lambda calls: calls.find(SOME, {"_id": "there"}))
        assert found == [{"_id": "there"}]


async def test_an_answer_that_comes_too_late_is_no_other_commands_answer(
    documents: Database, mongo_database: MongoDatabase
) -> None:
    async with (
        holding_proxy(port_of(mongo_database.url)) as (holding, port),
        connected(through(mongo_database.url, port), name="test", timeout=10, answer_timeout=1) as database,
        await database.client.start_session() as session,
    ):
        await database.command("ping")

        def too_late(calls: Calls) -> None:
            calls.find(SOME, {})
            holding.word = b"said by nobody"
            calls.run([insert(SOME, "1"), insert(SOME, "2")])

        with pytest.raises(NetworkTimeout):
            await in_transaction(database, session, too_late)
        await holding.let_go()
        await in_transaction(database, session, lambda calls: calls.run([insert(SOME, "3"), insert(SOME, "4")]))
    assert await stored(documents) == ["3", "4"]


async def test_what_no_buffer_holds_goes_in_several_flights(documents: Database) -> None:
    # Answers of ten megabytes, and commands of as many behind them: in one flight each side would wait for the other.
    many = [f"{number:05}" + "x" * 1000 for number in range(10_000)]
    upserts = [{"q": {"_id": one}, "u": {"$set": {"a": 1}}, "upsert": True} for one in many]
    commands: list[Document] = [{"update": name, "updates": upserts} for name in (SOME, OTHER, "users.g1")]
    async with await documents.client.start_session() as session:
        await in_transaction(documents, session, lambda calls: calls.run([*commands, insert(SOME, "the last one")]))
    assert await stored(documents) == [*many, "the last one"]
    assert await stored(documents, OTHER) == many


async def test_nothing_is_written_once_the_transaction_has_ended(documents: Database) -> None:
    async with await documents.client.start_session() as session:
        await in_transaction(documents, session, lambda calls: calls.run([insert(SOME, "1")]))
        with pytest.raises(InvalidOperation):
            await run(documents, session, [insert(SOME, "2")])
    assert await stored(documents) == ["1"]


async def test_commands_in_an_open_transaction(documents: Database) -> None:
    async with await documents.client.start_session() as session, transaction(session):
        await run(documents, session, [insert(SOME, "1"), insert(SOME, "2")])
        await run(documents, session, [])
        await run(documents, session, [insert(SOME, "3")])
    assert await stored(documents) == ["1", "2", "3"]
