"""The golden queries, and the documents from which each golden answer must come."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import contracts
from tests.integration.read_views import given

Documents = dict[str, list[given.Document]]

_FOLDER = Path(contracts.__file__).parent / "samples" / "queries"


def sample(name: str) -> Any:
    """A golden message."""
    return json.loads((_FOLDER / f"{name}.json").read_text())


def documents_of(name: str) -> Documents:
    """The documents, by collection, that the golden answer to this query shows."""
    return _DOCUMENTS[name](sample(f"{name}.request"), sample(f"{name}.reply")["result"])


def _company(shown: Any) -> given.Document:
    return given.company(_id=shown["company_id"], **{key: shown[key] for key in shown if key != "company_id"})


def _names(request: Any, result: Any) -> Documents:
    more = {"status": request["status"]} if "status" in request else {}
    return {"companies": [given.company(one["name"], _id=one["company_id"], **more) for one in result["items"]]}


def _dashboard(request: Any, result: Any) -> Documents:
    entries = [given.activity(request["company_id"], **one) for one in result["latest_activity"]]
    return {"companies": [_company(result["company"])], "activity": entries}


def _memberships(_: Any, result: Any) -> Documents:
    companies = [
        given.company(one["company_name"], _id=one["company_id"], status=one["company_status"])
        for one in result["items"]
    ]
    own = given.user("").keys() - {"_id"}
    return {"companies": companies, "users": [given.user(**{key: one[key] for key in own}) for one in result["items"]]}


def _command(request: Any, result: Any) -> Documents:
    known = {"company_id": result["company_id"], "command_id": request["command_id"]}
    return {"activity": [given.activity(**known, **one) for one in result["events"]]}


_DOCUMENTS: dict[str, Callable[[Any, Any], Documents]] = {
    "company.get.v1": lambda _, result: {"companies": [_company(result)]},
    "company.list.v1": lambda _, result: {"companies": [_company(one) for one in result["items"]]},
    "company.names.v1": _names,
    "company.dashboard.v1": _dashboard,
    "company.activity.v1": lambda request, result: {
        "activity": [given.activity(request["company_id"], **one) for one in result["items"]]
    },
    "user.list.v1": lambda _, result: {"users": [given.user(**one) for one in result["items"]]},
    "user.find.v1": _memberships,
    "statistics.get.v1": lambda _, result: {
        "statistics": [{"_id": 0, "companies": result["companies"], "users": result["users_by_company_status"]}]
    },
    "command.get.v1": _command,
}
