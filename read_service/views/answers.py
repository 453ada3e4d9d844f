"""From a query to its reply: the same for HTTP and for the bus."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic import ValidationError

from contracts import queries
from contracts.errors import error, errors_of
from contracts.queries import Query
from contracts.results import Failed, InvalidQuery, NotFound, Ok, Stale
from read_service import metrics
from read_service.adapters.mongo import StoreAway
from read_service.views.activity import company_activity
from read_service.views.commands import command_outcome
from read_service.views.companies import companies_page, company_by_id, company_dashboard, company_names
from read_service.views.documents import Documents
from read_service.views.refusals import InvalidParameter, NotNow
from read_service.views.statistics import statistics
from read_service.views.tokens import lag, versions_in
from read_service.views.users import memberships, users_page
from read_service.views.waiting import Waiting

Reply = Ok | NotFound | InvalidQuery | Stale | Failed
View = Callable[[Documents, Any], Awaitable[Any]]

log = structlog.get_logger()


class Answers:
    """Answers queries from the documents of the generation that is active at that moment."""

    def __init__(self, documents: Callable[[], Documents], waiting: Waiting, read_seconds: float) -> None:
        self._documents = documents
        self._waiting = waiting
        # The database's own limit does not count while it cannot be reached, nor while the driver's threads are taken.
        self._read_seconds = read_seconds

    async def ask(self, name: str, parameters: bytes | dict[str, Any], via: str) -> Reply:
        """The reply to a query as it came: its name, and its parameters as JSON or as values."""
        began = time.perf_counter()
        query = read_query(name, parameters)
        reply = query if isinstance(query, InvalidQuery) else await self.answer(name, query)
        known = name if name in QUERIES else "unknown"
        metrics.QUERIES.labels(known, reply.status, via).inc()
        metrics.QUERY_SECONDS.labels(known, via).observe(time.perf_counter() - began)
        return reply

    async def answer(self, name: str, query: Query) -> Reply:
        """The reply to a known query, after the commands that it names or `stale`."""
        try:
            if wanted := versions_in(query.tokens):
                return await self._after(wanted, QUERIES[name], query)
            async with asyncio.timeout(self._read_seconds):
                return _reply(await QUERIES[name](self._documents(), query))
        except InvalidParameter as failure:
            return InvalidQuery(errors=[error(failure.name, str(failure), failure.name)])
        except NotNow as failure:
            return Failed(message=str(failure))
        except (StoreAway, TimeoutError) as failure:
            log.warning("query_failed", query=name, error=str(failure) or "no answer in time")
            return Failed(message="the documents cannot be read at this moment: ask again")

    async def _after(self, wanted: dict[str, int], view: View, query: Query) -> Reply:
        deadline = asyncio.get_running_loop().time() + query.wait_ms / 1000
        with self._waiting.watch(wanted) as watch:
            while True:
                # One snapshot for the check and for what is shown: no failover or flip comes between them.
                async with asyncio.timeout(self._read_seconds), self._documents().snapshot() as documents:
                    behind = await lag(documents, wanted)
                    if behind is None:
                        return _reply(await view(documents, query))
                if behind.for_good or not await self._waiting.sleep(watch, behind.missing, deadline):
                    return Stale(version=behind.version)


def read_query(name: str, parameters: bytes | dict[str, Any]) -> Query | InvalidQuery:
    """The query of this name with these parameters, or what is wrong with them."""
    model = queries.QUERIES.get(name)
    if model is None:
        return InvalidQuery(errors=[error("unknown_query", f"known are {', '.join(queries.QUERIES)}", "routing_key")])
    try:
        if isinstance(parameters, bytes):
            return model.model_validate_json(parameters)
        return model.model_validate(parameters)
    except ValidationError as failure:
        return InvalidQuery(errors=errors_of(failure))


def _reply(result: Any) -> Reply:
    return NotFound() if result is None else Ok(result=result)


QUERIES: dict[str, View] = {
    "company.get.v1": company_by_id,
    "company.list.v1": companies_page,
    "company.names.v1": company_names,
    "company.dashboard.v1": company_dashboard,
    "company.activity.v1": company_activity,
    "user.list.v1": users_page,
    "user.find.v1": memberships,
    "statistics.get.v1": statistics,
    "command.get.v1": command_outcome,
}
