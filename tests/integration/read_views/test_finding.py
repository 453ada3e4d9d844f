"""One document, read by the server's own command: as the driver would read it, and again where its answer was lost."""

import pytest

from read_service.adapters.finding import find_one
from read_service.adapters.mongo import StoreAway, connected
from tests.integration.read_engine.test_failures import port_of, through
from tests.support.cutting import cutting_proxy
from tests.support.fresh import MongoDatabase

SOME = "companies.g1"


async def test_it_gives_the_document_some_of_its_fields_or_none(mongo_database: MongoDatabase) -> None:
    async with connected(mongo_database.url, name="test") as database:
        await database[SOME].insert_many(
            [{"_id": "1", "name": "one", "of": "a"}, {"_id": "2", "name": "two", "of": "a"}]
        )
        assert await find_one(database, SOME, {"_id": "2"}, time_limit_ms=5000) == {
            "_id": "2",
            "name": "two",
            "of": "a",
        }
        assert await find_one(database, SOME, {"_id": "2"}, {"name": 1}, time_limit_ms=5000) == {
            "_id": "2",
            "name": "two",
        }
        assert await find_one(database, SOME, {"_id": "3"}, time_limit_ms=5000) is None
        assert await find_one(database, "nothing.g1", {}, time_limit_ms=5000) is None
        assert (await find_one(database, SOME, {"of": "a"}, time_limit_ms=5000) or {})["of"] == "a"


async def test_in_a_snapshot_it_sees_what_was_there_at_its_first_read(mongo_database: MongoDatabase) -> None:
    async with connected(mongo_database.url, name="test") as database:
        await database[SOME].insert_one({"_id": "1", "version": 1})
        async with await database.client.start_session(snapshot=True) as session:
            before = await find_one(database, SOME, {"_id": "1"}, time_limit_ms=5000, session=session)
            await database[SOME].update_one({"_id": "1"}, {"$set": {"version": 2}})
            after = await find_one(database, SOME, {"_id": "1"}, time_limit_ms=5000, session=session)
        assert (before, after) == ({"_id": "1", "version": 1},) * 2
        assert await find_one(database, SOME, {"_id": "1"}, time_limit_ms=5000) == {"_id": "1", "version": 2}


async def test_where_an_answer_is_lost_it_reads_again_once(mongo_database: MongoDatabase) -> None:
    async with (
        cutting_proxy(port_of(mongo_database.url)) as (cutting, port),
        connected(through(mongo_database.url, port), name="test", timeout=5) as database,
    ):
        await database[SOME].insert_one({"_id": "1"})
        cutting.word, cutting.times = b"the one that is cut", 1
        where = {"_id": "1", "not": {"$ne": "the one that is cut"}}
        assert await find_one(database, SOME, where, time_limit_ms=5000) is not None
        assert cutting.times == 0

        cutting.times = 2
        with pytest.raises(StoreAway):
            await find_one(database, SOME, where, time_limit_ms=5000)
        assert await find_one(database, SOME, where, time_limit_ms=5000) is not None
