"""The private stack with its services, as a person types it: one stack of this module's own, and the demo."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import environment, processes
from deploy.local.stack import CHECKOUT, load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SERVERS = {"epmd", "rabbitmq", "postgres", "mongo"}
PROGRAM = [sys.executable, "-m", "deploy.local", "--root"]


def typed(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A command in the checkout, without the addresses of whoever runs the tests."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRAR_")}
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=CHECKOUT, env=clean, timeout=150)


def stack(root: Path, *arguments: str) -> str:
    """What `python -m deploy.local …` says; it must succeed."""
    done = typed(*PROGRAM, root, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sourced(root: Path, *command: str | Path) -> str:
    """What a command says to a shell that has read the stack's addresses; it must succeed."""
    done = typed("bash", "-c", f'set -a; . {root}/stack.env; exec "$@"', "bash", *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pids(root: Path) -> dict[str, int]:
    """The services of a stack that run, and their process ids."""
    found = load(root)
    return {name: known.pid for name, known in found.processes.items() if name not in SERVERS and found.running(name)}


def answered(url: str) -> Any:
    """The JSON that is found there."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
        return json.load(answer)


def replicas(root: Path) -> list[str]:
    """The arguments of `up` that ask for the services that run."""
    names = list(pids(root))
    write = sum(name.startswith("write") for name in names)
    return ["--write", str(write), "--read", str(len(names) - write)]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of a stack that was started, and what was said."""
    root = tmp_path_factory.mktemp("stack").resolve()
    try:
        yield root, stack(root, "up", "--write", "2", "--read", "2")
    finally:
        stack(root, "down", "--wipe")


@pytest.fixture
def root(started: tuple[Path, str]) -> Path:
    return started[0]


def test_as_many_replicas_answer_as_were_asked_for(started: tuple[Path, str]) -> None:
    root, said = started
    names = {"write-service-1", "write-service-2", "read-service-1", "read-service-2"}
    ports = {name: load(root).ports[name] for name in names}
    assert pids(root).keys() == names
    assert [name for name, port in ports.items() if f"{name} answers on http://127.0.0.1:{port}\n" not in said] == []
    assert {answered(f"http://127.0.0.1:{port}/health/ready")["status"] for port in ports.values()} == {"ready"}


def test_other_numbers_start_and_stop_what_is_missing_and_too_much(root: Path) -> None:
    before = pids(root)
    said = stack(root, "up", "--write", "3", "--read", "1")
    after = pids(root)
    assert "read-service-2 has stopped." in said
    assert after.keys() == {"write-service-1", "write-service-2", "write-service-3", "read-service-1"}
    assert {name: after[name] for name in before if name in after} == {
        name: pid for name, pid in before.items() if name != "read-service-2"
    }
    assert "The services run already" in stack(root, "up", "--write", "3", "--read", "1")
    assert pids(root) == after


def test_a_dead_service_is_reported_with_the_end_of_its_log_and_started_again(root: Path) -> None:
    before, asked, log = pids(root), replicas(root), load(root).log("write-service-1")
    processes.end(load(root).processes["write-service-1"], signal.SIGKILL)
    last = log.read_text().splitlines()[-1]

    status = typed(*PROGRAM, root, "status")
    assert status.returncode == 1
    assert f"write-service-1 has died; the last lines of {log}:\n" in status.stdout
    assert last[:100] in status.stdout

    assert "write-service-1 is started again." in stack(root, "up", *asked)
    after = pids(root)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"write-service-1"}
    assert "has died" not in stack(root, "status")


def test_a_shell_that_reads_the_addresses_has_each_of_them_whole(root: Path) -> None:
    addresses = environment.read(load(root))
    lines = sourced(root, "env").splitlines()
    assert len(addresses) == 6
    assert [name for name, value in addresses.items() if f"{name}={value}" not in lines] == []


def test_a_second_stack_runs_its_services_on_the_servers_of_the_first(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = pids(root), tmp_path_factory.mktemp("second").resolve()
    try:
        sourced(root, *PROGRAM, second, "up")
        assert load(second).processes.keys() == {"write-service-1", "read-service-1"}
        registrar = Path(sys.executable).parent / "registrar"
        sent = json.loads(sourced(root, registrar, "send", "company.register", "new", "name=Acme", "--json"))
        url = environment.read(load(second))["REGISTRAR_HTTP_URL"]
        assert url != environment.read(load(root))["REGISTRAR_HTTP_URL"]
        seen = answered(f"{url}/companies/{sent['company_id']}?after={sent['token']}&wait_ms=10000")
        assert (seen["name"], seen["version"]) == ("Acme", 1)
    finally:
        stack(second, "down", "--wipe")
    assert processes.marked(str(second)) == []
    assert pids(root) == first
    assert "has died" not in stack(root, "status")


def test_down_leaves_no_process(root: Path) -> None:
    running = load(root).processes
    assert len(processes.marked(str(root))) >= len(running) > len(SERVERS)
    stack(root, "down")
    assert processes.marked(str(root)) == []
    assert [name for name, known in running.items() if processes.alive(known)] == []
    assert stack(root, "status") == "Nothing runs.\n"


def test_the_demo_shows_the_whole_system_and_leaves_nothing_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("demo").resolve()
    said = stack(root, "demo")
    for line in (
        "$ registrar import ",
        "│ a second │",
        "All 120 companies and 1405 users were visible ",
        "│ totals                             │ companies 120, users 1405 ",
        "┃ company_id ",
        "latest_activity",
        "Stopping everything.",
        "rabbitmq has stopped.",
    ):
        assert line in said
    assert processes.marked(str(root)) == []
    assert [path.name for path in root.iterdir()] == ["lock"]
