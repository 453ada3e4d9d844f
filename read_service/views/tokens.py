"""Tokens: whether the documents include the commands that a query must come after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts import tokens
from read_service.views.documents import Documents
from read_service.views.refusals import InvalidParameter


@dataclass(frozen=True, slots=True)
class Lag:
    """The versions that are missing, and the version that is there of the first of those companies."""

    missing: dict[str, int]
    version: int
    for_good: bool  # an event up to the token was parked: waiting does not bring it


def versions_in(query_tokens: Iterable[str]) -> dict[str, int]:
    """The version wanted of each company. Raises InvalidParameter where a token is not one of ours."""
    wanted: dict[str, int] = {}
    try:
        for company_id, version in map(tokens.decode, query_tokens):
            wanted[company_id] = max(version, wanted.get(company_id, 0))
    except ValueError as failure:
        raise InvalidParameter("after", str(failure)) from None
    return wanted


async def lag(documents: Documents, wanted: Mapping[str, int]) -> Lag | None:
    """How far the documents are behind the versions wanted; None: they include them all."""
    found = await documents.many("positions", {"_id": {"$in": list(wanted)}}, fields={"version": 1, "skipped": 1})
    positions = {position["_id"]: position for position in found}
    missing: dict[str, int] = {}
    for company_id, version in wanted.items():
        position = positions.get(company_id, {"version": 0})
        skipped = min(position.get("skipped") or [version + 1])
        if skipped <= version:
            return Lag({company_id: version}, skipped - 1, for_good=True)
        if position["version"] < version:
            missing[company_id] = version
    if not missing:
        return None
    first = next(iter(missing))
    return Lag(missing, positions.get(first, {"version": 0})["version"], for_good=False)


async def versions_of(documents: Documents, companies: Iterable[str]) -> dict[str, int]:
    """The versions that the documents include of these companies."""
    found = await documents.many("positions", {"_id": {"$in": list(companies)}}, fields={"version": 1})
    return {position["_id"]: position["version"] for position in found}
