"""A transaction that met another one is let go at once: a failure that holds itself would keep it, and its batch."""

import weakref
from typing import Any

import asyncpg
import pytest

from tests.benchmarks.meter import collector_at_rest
from write_service.adapters.transaction import PostgresTransactions
from write_service.service_layer.ports import Conflicted


class Batch:
    """What a transaction works on."""


async def test_a_conflict_keeps_nothing_of_its_transaction() -> None:
    with collector_at_rest():
        kept = await _met()

        assert kept() is None


async def _met() -> "weakref.ref[Batch]":
    batch = Batch()
    with pytest.raises(Conflicted):
        await _transact(_Engine(), batch)
    return weakref.ref(batch)


async def _transact(engine: Any, batch: Batch) -> None:
    async with PostgresTransactions(engine).begin():
        raise asyncpg.DeadlockDetectedError(f"met with {batch}")


class _Engine:
    """An engine, its connection and the driver's own."""

    async def connect(self) -> "_Engine":
        return self

    async def get_raw_connection(self) -> "_Engine":
        return self

    @property
    def driver_connection(self) -> "_Engine":
        return self

    def is_closed(self) -> bool:
        return False

    def is_in_transaction(self) -> bool:
        return False

    async def close(self) -> None:
        """Give it back."""
