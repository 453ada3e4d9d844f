"""What a transaction's body asks of the server."""

from read_service.adapters.mongo import Calls, Database, Document, in_transaction

MORE_THAN_A_BATCH = 10_050


async def test_everything_that_matches_is_found_whatever_its_number(documents: Database) -> None:
    ids = [f"{number:05}" for number in range(MORE_THAN_A_BATCH)]
    await documents["ahead.g1"].insert_many([{"_id": one, "odd": int(one) % 2 == 1} for one in ids])

    def body(calls: Calls) -> list[list[Document]]:
        return [
            calls.find("ahead.g1", {}),
            calls.find("ahead.g1", {"odd": True}, 3, sort="_id"),
            calls.find("ahead.g1", {"_id": "none"}),
        ]

    async with await documents.client.start_session() as session:
        everything, first_odd, none = await in_transaction(documents, session, body)
    assert sorted(one["_id"] for one in everything) == ids
    assert [one["_id"] for one in first_odd] == ["00001", "00003", "00005"]
    assert none == []
