"""What a failure of Postgres says: the data is refused, two transactions met, or the database is away."""

from typing import Any

import asyncpg

from write_service.service_layer.ports import Conflicted, Refused

_DATA = ("22", "23")  # data exceptions, integrity violations
_RAISED = "P0001"  # what a trigger says by RAISE
_MET = "40"


def meaning_of(failure: Exception) -> Exception:
    """Refused or Conflicted where that is what it says, else the failure itself: nobody is accused for it."""
    if isinstance(failure, asyncpg.PostgresError):
        said: Any = failure
        state = said.sqlstate or ""
        if state.startswith(_DATA) or state == _RAISED:
            return Refused(f"{state} {failure}", said.constraint_name)
        if state.startswith(_MET):
            return Conflicted(f"{state} {failure}")
    if isinstance(failure, asyncpg.InterfaceError) and isinstance(failure, ValueError):
        return Refused(str(failure))  # the driver could not even encode it
    return failure
