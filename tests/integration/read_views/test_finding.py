"""One document, read by the server's own command: as the driver would read it, and again where its answer was lost."""

import contextlib

import pytest

from read_service.adapters.finding import find_one
from read_service.adapters.mongo import StoreAway, connected
from tests.integration.read_engine.test_failures import port_of, through
from tests.integration.read_views.watching import Sent
from tests.support.cutting import cutting_proxy
from tests.support.fresh import MongoDatabase

SOME = "companies.g1"
OF_THE_CONNECTION = ("lsid", "$clusterTime")


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


@pytest.mark.parametrize("fields", [None, {"name": 1}])
@pytest.mark.parametrize("in_a_snapshot", [False, True])
async def test_it_asks_for_what_the_driver_would_ask_for(
    sent: Sent, mongo_database: MongoDatabase, fields: dict[str, int] | None, *, in_a_snapshot: bool
) -> None:
    where = {"of": {"$eq": "a"}}
    async with connected(mongo_database.url, name="test") as database, contextlib.AsyncExitStack() as stack:
        await database[SOME].insert_many([{"_id": str(number), "of": "a"} for number in range(300)])
        session = None
        if in_a_snapshot:
            session = await stack.enter_async_context(await database.client.start_session(snapshot=True))
            await database[SOME].find_one({}, session=session)  # from then on it says of which moment
        with sent.reads(mongo_database.name) as seen:
            own = await find_one(database, SOME, where, fields, time_limit_ms=5000, session=session)
            the_drivers = await database[SOME].find_one(where, fields, session=session, max_time_ms=5000)
    assert own == the_drivers
    asked, expected = ({key: said for key, said in one.items() if key not in OF_THE_CONNECTION} for one in seen)
    assert asked == expected
    assert asked["readConcern"]["level"] == ("snapshot" if in_a_snapshot else "majority")


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
