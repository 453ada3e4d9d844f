"""Generations of documents: which one is active, and making one."""

from read_service.adapters.collections import GENERATIONS, NAMES, indexes, name_of
from read_service.adapters.mongo import Database, insert_unless_there, make_indexes

FIRST = 1
_POINTER = "active"


async def active_generation(database: Database) -> int | None:
    """The generation that readers see; None where setup has not run. Raises StoreAway."""
    pointer = await database[GENERATIONS].find_one({"_id": _POINTER})
    return None if pointer is None else int(pointer["generation"])


async def make_generation(database: Database, generation: int, outcomes_kept: float) -> None:
    """Make the collections of a generation and their indexes. Safe to repeat. Raises StoreAway."""
    wanted = indexes(outcomes_kept)
    for name in NAMES:
        await make_indexes(database, name_of(name, generation), wanted.get(name, []))


async def point_to_first(database: Database) -> int:
    """Point readers to the first generation unless they are pointed to one; the one that is active then."""
    await insert_unless_there(database, GENERATIONS, {"_id": _POINTER, "generation": FIRST})
    active = await active_generation(database)
    assert active is not None
    return active
