"""A transaction that met another one is let go at once: failures that hold themselves would keep it, and all events."""

import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from read_service.adapters.mongo import Calls, in_transaction
from read_service.projections.ports import Conflicted
from tests.benchmarks.meter import collector_at_rest
from tests.support.eventually import eventually


class Batch:
    """What a transaction works on."""


async def test_a_conflict_keeps_nothing_of_its_transaction() -> None:
    with collector_at_rest():
        kept = await _met()

        # The thread that ran it has told of the failure before it has left its own frames.
        await eventually(lambda: kept() is None)


async def _met() -> "weakref.ref[Batch]":
    batch = Batch()

    def body(_: Calls) -> Batch:
        held = batch
        raise OperationFailure(f"met with {held}", 112, {"errorLabels": ["TransientTransactionError"]})

    with pytest.raises(Conflicted):
        await in_transaction(_Driver(), _Driver(), body)  # type: ignore[arg-type]
    return weakref.ref(batch)


class _Driver(SimpleNamespace):
    def __init__(self) -> None:
        super().__init__(start_transaction=_nothing, abort_transaction=_nothing)
        self.delegate = self


def _nothing(*_: Any) -> None:
    """In the place of a call to the server."""
