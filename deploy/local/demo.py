"""The demo: a fresh stack, sample companies over the bus, what readers see of them; then everything stops."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local import servers, services
from deploy.local.stack import Stack, Trouble, changing, load

SAMPLE = Path(__file__).with_name("sample_companies.jsonl")
_IMPORT_SECONDS = 120
_VISIBLE_SECONDS = 30


def run(root: Path) -> bool:
    """Show the whole system once. Raises Trouble; leaves no process and no data behind, whatever happens."""
    before = load(root)
    if any(before.running(name) for name in before.processes):
        raise Trouble(f"The demo runs already. If it was left behind: python -m deploy.local --root {root} down --wipe")
    with changing(root) as old:
        servers.down(old)
        servers.wipe(old)
        stack = Stack(old.root)
        try:
            _show(stack)
        finally:
            print("\nStopping everything.")
            servers.down(stack)
            servers.wipe(stack)
    return True


def _show(stack: Stack) -> None:
    print("Starting private servers and one replica of each service.")
    addresses = servers.up(stack, environ={})
    services.up(stack, addresses, {services.WRITE: 1, services.READ: 1})
    companies = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    _registrar(addresses, "import", str(SAMPLE))
    answered = time.monotonic()
    totals = {"companies": len(companies), "users": sum(len(company["users"]) for company in companies)}
    _wait_until_visible(addresses["REGISTRAR_HTTP_URL"], totals)
    late = time.monotonic() - answered
    print(
        f"All {totals['companies']} companies and {totals['users']} users were visible {late:.2f} s after the import."
    )
    _registrar(addresses, "ask", "statistics.get")
    _registrar(addresses, "ask", "company.list", "--limit", "10")
    _registrar(addresses, "ask", "company.dashboard", "--company-id", companies[0]["id"])


def _registrar(addresses: Mapping[str, str], *arguments: str) -> None:
    print(f"\n$ registrar {' '.join(arguments)}", flush=True)
    program = Path(sys.executable).parent / "registrar"
    try:
        subprocess.run(
            [program, *arguments],
            env={**os.environ, **addresses},
            check=True,
            timeout=_IMPORT_SECONDS,
        )
    except subprocess.CalledProcessError as failure:
        raise Trouble(f"registrar {arguments[0]} ended with exit code {failure.returncode}") from None
    except subprocess.TimeoutExpired:
        raise Trouble(f"registrar {arguments[0]} was not done within {_IMPORT_SECONDS} s") from None


def _wait_until_visible(http_url: str, totals: Mapping[str, int]) -> None:
    end = time.monotonic() + _VISIBLE_SECONDS
    while (seen := _totals(http_url)) != totals:
        if time.monotonic() > end:
            raise Trouble(f"after {_VISIBLE_SECONDS} s readers see {seen} of {dict(totals)}")
        time.sleep(0.02)


def _totals(http_url: str) -> Any:
    with urllib.request.urlopen(f"{http_url}/statistics", timeout=10) as answer:  # noqa: S310 - our own
        return json.load(answer)["totals"]
