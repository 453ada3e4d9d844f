"""The private stack itself: one stack of this module's own, started by the command line as a person does."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.local import environment, processes
from deploy.local.stack import CHECKOUT, Stack, load

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ADDRESSES = {
    "REGISTRAR_AMQP_URL": r"amqp://registrar:[^@]+@127\.0\.0\.1:\d+/registrar",
    "REGISTRAR_POSTGRES_URL": r"postgresql://registrar_service:[^@]+@127\.0\.0\.1:\d+/registrar",
    "REGISTRAR_POSTGRES_SETUP_URL": r"postgresql://registrar_setup:[^@]+@127\.0\.0\.1:\d+/registrar",
    "REGISTRAR_MONGO_URL": r"mongodb://projector:[^@]+@127\.0\.0\.1:\d+/registrar\?authSource=admin",
    "REGISTRAR_MONGO_VIEWS_URL": r"mongodb://views:[^@]+@127\.0\.0\.1:\d+/registrar\?authSource=admin",
    "REGISTRAR_HTTP_URL": r"http://127\.0\.0\.1:\d+",
}
ALL = {"epmd", "rabbitmq", "postgres", "mongo"}


def run(root: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m deploy.local --root ROOT …`, without the addresses of whoever runs the tests."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRAR_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", "--root", str(root), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env=surroundings | settings,
        timeout=120,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Below pytest's own folder, which only its owner may enter: the database has to find a place elsewhere.
    root = tmp_path_factory.mktemp("stack").resolve()
    yield root
    run(root, "down", "--wipe")


@pytest.fixture(scope="module")
def stack(root: Path) -> Stack:
    started = run(root, "servers", "up")
    assert started.returncode == 0, started.stdout + started.stderr
    return load(root)


@pytest.fixture
def addresses(stack: Stack) -> dict[str, str]:
    return environment.read(stack)


def test_addresses_are_written_for_their_owner_alone(stack: Stack, addresses: dict[str, str]) -> None:
    assert list(addresses) == list(ADDRESSES)
    assert [name for name, form in ADDRESSES.items() if not re.fullmatch(form, addresses[name])] == []
    assert stat.S_IMODE(stack.environment_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((stack.root / "stack.json").stat().st_mode) == 0o600


def test_ports_are_below_those_that_the_kernel_gives_to_clients(stack: Stack) -> None:
    assert set(stack.ports) >= ALL
    assert [port for port in stack.ports.values() if not 1024 <= port < 32_768] == []


def test_servers_listen_on_loopback_only(stack: Stack) -> None:
    listening = subprocess.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], capture_output=True, text=True, check=True)
    ours = {f"{port:04X}" for port in stack.ports.values()}
    rows = [line.split() for line in listening.stdout.splitlines() if line.split()[3] == "0A"]
    hosts = {host for host, port in (row[1].split(":") for row in rows) if port in ours}
    assert hosts <= {"0100007F", "00000000000000000000000001000000"}


def test_starting_twice_says_so_and_changes_nothing(root: Path, stack: Stack, addresses: dict[str, str]) -> None:
    again = run(root, "servers", "up")
    assert (again.returncode, again.stderr) == (0, "")
    assert "The servers run already: rabbitmq, postgres, mongo." in again.stdout
    assert load(root) == stack
    assert environment.read(stack) == addresses


def test_whoever_sourced_the_addresses_still_starts_the_same_stack(
    root: Path, stack: Stack, addresses: dict[str, str]
) -> None:
    again = run(root, "servers", "up", **addresses)
    assert "The servers run already: rabbitmq, postgres, mongo." in again.stdout
    assert load(root) == stack


def test_servers_that_are_there_are_used_instead(root: Path, stack: Stack, addresses: dict[str, str]) -> None:
    elsewhere = {"REGISTRAR_AMQP_URL": "amqp://elsewhere/registrar"}
    assert environment.given(stack, addresses | elsewhere) == elsewhere
    assert environment.servers_of(elsewhere) == {"rabbitmq"}
    refused = run(root, "servers", "up", REGISTRAR_MONGO_URL="mongodb://elsewhere/registrar")
    assert refused.returncode == 1
    assert "REGISTRAR_MONGO_VIEWS_URL is missing beside REGISTRAR_MONGO_URL" in refused.stderr


def test_a_shell_that_reads_the_addresses_has_all_of_them(stack: Stack, addresses: dict[str, str]) -> None:
    script = f"set -a; . {stack.environment_file}; env"
    said = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    lines = said.stdout.splitlines()
    assert [name for name, value in addresses.items() if f"{name}={value}" not in lines] == []


async def test_the_broker_lets_its_user_in(addresses: dict[str, str]) -> None:
    async with await aio_pika.connect(addresses["REGISTRAR_AMQP_URL"], timeout=10) as connection:
        channel = await connection.channel()
        assert (await channel.declare_queue(exclusive=True)).name.startswith("amq.gen-")


async def test_the_role_of_views_may_only_find(addresses: dict[str, str]) -> None:
    async with AsyncMongoClient[dict[str, object]](addresses["REGISTRAR_MONGO_URL"]) as projector:
        await projector["registrar"]["stack_test"].insert_one({"_id": "one"})
    async with AsyncMongoClient[dict[str, object]](addresses["REGISTRAR_MONGO_VIEWS_URL"]) as views:
        collection = views["registrar"]["stack_test"]
        assert await collection.find_one({}) == {"_id": "one"}
        with pytest.raises(OperationFailure, match="not authorized"):
            await collection.insert_one({"_id": "two"})
        with pytest.raises(OperationFailure, match="not authorized"):
            await collection.delete_many({})
        with pytest.raises(OperationFailure, match="not authorized"):
            await views["other"]["stack_test"].find_one({})


async def test_the_role_of_the_write_service_may_not_change_the_schema(addresses: dict[str, str]) -> None:
    service = await asyncpg.connect(addresses["REGISTRAR_POSTGRES_URL"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("CREATE TABLE mine (id integer)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("CREATE DATABASE mine")
    await service.close()


async def test_what_is_committed_is_on_disk(addresses: dict[str, str]) -> None:
    service = await asyncpg.connect(addresses["REGISTRAR_POSTGRES_URL"])
    facts = [await service.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    await service.close()
    assert facts == ["on", "on", "on"]


def test_a_dead_server_is_reported_with_the_end_of_its_log_and_started_again(root: Path, stack: Stack) -> None:
    dead = stack.processes["mongo"]
    processes.end(dead, signal.SIGKILL)

    status = run(root, "servers", "status")
    assert status.returncode == 1
    assert f"mongo has died; the last lines of {stack.log('mongo')}:\n    {{" in status.stdout

    again = run(root, "servers", "up")
    assert again.returncode == 0, again.stderr
    assert "mongo is started again." in again.stdout
    assert load(root).processes["mongo"] != dead
    assert {name: load(root).processes[name] for name in ALL - {"mongo"}} == {
        name: stack.processes[name] for name in ALL - {"mongo"}
    }


def test_a_server_that_cannot_start_shows_why(root: Path, stack: Stack) -> None:
    key = stack.data("mongo") / "key"
    processes.end(load(root).processes["mongo"], signal.SIGKILL)
    key.chmod(0o644)
    failed = run(root, "servers", "up")
    key.chmod(0o400)
    assert failed.returncode == 1
    assert "mongo has died" in failed.stderr
    assert "permissions on" in failed.stderr


def test_another_process_under_a_remembered_id_is_left_alone(root: Path, stack: Stack) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    memory = json.loads((root / "stack.json").read_text())
    memory["processes"]["stranger"] = {"pid": bystander.pid, "started": "another boot:1"}
    (root / "stack.json").write_text(json.dumps(memory))
    try:
        assert run(root, "down").returncode == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_down_leaves_no_process_even_of_a_stack_that_has_lost_its_memory(root: Path, stack: Stack) -> None:
    assert run(root, "servers", "up").returncode == 0
    running = load(root).processes
    assert {name for name, known in running.items() if processes.alive(known)} == ALL
    kept = (root / "stack.json").read_text()
    (root / "stack.json").write_text("{")

    assert run(root, "down").returncode == 0

    (root / "stack.json").write_text(kept)
    assert processes.marked(str(root)) == []
    assert [name for name, known in running.items() if processes.alive(known)] == []


def test_wiping_removes_everything_that_was_stored(root: Path, stack: Stack) -> None:
    elsewhere = Path(load(root).folders["postgres"])
    assert elsewhere.exists()
    assert run(root, "down", "--wipe").returncode == 0
    assert (elsewhere.exists(), [path.name for path in root.iterdir()]) == (False, ["lock"])
