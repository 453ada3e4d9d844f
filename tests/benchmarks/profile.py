"""Where a service's time goes: python -m tests.benchmarks.profile write|read [--companies N] [--batch N].

Runs the service under cProfile on private servers, from a full queue, and prints microseconds a command by step, by
part and by function. The profiler itself makes Python code two or three times slower: read shares, not times.
"""

import argparse
import asyncio
import pstats
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.local import processes, services
from deploy.local.stack import DEFAULT_ROOT
from tests.benchmarks.racing import Line, crossed, fill
from tests.benchmarks.servers import Servers, fresh_servers
from tests.benchmarks.subjects.registrar import registrar
from tests.benchmarks.subjects.system import System

_MODULES = {services.WRITE: "write_service", services.READ: "read_service"}
_NAME = "profiled"
_WAITING = ("epoll", "SimpleQueue", "recv_into")  # the last one by a thread, for MongoDB
_STARTING = ("importlib", "marshal", "pydantic/_internal", "compile", "posix.stat", "dataclasses.py", "typing.py")
_PARTS = {
    "waiting": _WAITING,
    "starting": _STARTING,
    "FastStream": ("faststream", "fast_depends"),
    "AMQP": ("aio_pika", "aiormq", "pamqp"),
    "Postgres": ("asyncpg", "sqlalchemy"),
    "MongoDB": ("pymongo", "motor", "bson"),
    "validation and JSON": ("pydantic", "json"),
    "contracts": ("/contracts/",),
    "this service": ("/write_service/", "/read_service/"),
    "sockets": ("socket", "ssl", "selectors"),
    "event loop": ("asyncio", "_contextvars", "Task"),
}
_REST = "other built-ins"
# What a command goes through, in order, with the function whose time it is, from call to return (of both, where two
# classes have one each). What is indented is a part of what is above it. A coroutine's waits do not count; those of a
# reading service's transaction do, for it waits in its thread.
STEPS = {
    services.WRITE: {
        "decode and validate": ("contracts/reading.py", "read_command_message"),
        "  JSON": ("contracts/reading.py", "_json"),
        "locks and look (SQL)": ("write_service/adapters/transaction.py", "load"),
        "decide, record, answer": ("service_layer/batch.py", "handle"),
        "  domain": ("service_layer/batch.py", "_attempt"),
        "  events recorded": ("service_layer/publishing.py", "event_record"),
        "  events encoded": ("service_layer/publishing.py", "published_event"),
        "  outcomes to replies": ("service_layer/outcomes.py", "reply_to"),
        "changes to rows": ("service_layer/batch.py", "changes"),
        "write (SQL)": ("write_service/adapters/transaction.py", "write"),
        "commit (SQL)": ("write_service/adapters/transaction.py", "commit"),
        "events to messages": ("adapters/broker.py", "_messages"),
        "publish": ("contracts/publisher.py", "publish"),
        "acknowledge": ("contracts/consuming.py", "_acknowledge"),
    },
    services.READ: {
        "decode and validate": ("projections/reading.py", "read_event_message"),
        "look (MongoDB, waiting included)": ("adapters/transactions.py", "positions"),
        "plan": ("projections/planning.py", "plan"),
        "write (MongoDB, waiting included)": ("adapters/transactions.py", "write"),
        "  plan to commands": ("adapters/writing.py", "commands"),
        "  BSON": ("adapters/pipelining.py", "_message"),
        "commit (MongoDB, waiting included)": ("adapters/mongo.py", "_commit"),
        "metrics": ("entrypoints/events.py", "report"),
        "acknowledge": ("contracts/consuming.py", "_acknowledge"),
    },
}

Function = tuple[str, int, str]


def main() -> None:
    """Profile one service."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.profile", description=__doc__)
    parser.add_argument("side", choices=("write", "read"))
    parser.add_argument("--companies", type=int, default=3000, help="six commands each (3000)")
    parser.add_argument("--batch", type=int, default=1, help="commands in a message (1)")
    parser.add_argument("--lines", type=int, default=40, help="functions to show (40)")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT / "profile-stack")
    asked = parser.parse_args()
    if sys.version_info >= (3, 12):
        parser.error("profiles are made with Python 3.11: since 3.12 a process has one profiler, whatever its threads")
    with fresh_servers(asked.root) as servers:
        stats = servers.stack.root / "profile.stats"
        service = f"{asked.side}-service"
        commands = asyncio.run(_profiled(servers, service, asked.companies, asked.batch, stats))
        times = _times(pstats.Stats(str(stats)), commands)
    for line in (
        *_steps(times, service),
        *_lines({function: own for function, (own, _) in times.items()}, asked.lines),
    ):
        print(line)


async def _profiled(servers: Servers, service: str, companies: int, batch: int, stats: Path) -> int:
    write = service == services.WRITE
    system = await registrar(servers, write=0 if write else 1, read=1 if write else 0)
    system.rest()
    await system.mark()
    count = await fill(servers.amqp(), {"kind": "lives", "seed": 1, "companies": companies}, batch=batch)
    if not write:
        system.wake()
        await crossed(system.log.confirmed, count)
    _spawn(servers, service, stats)
    await crossed(_line(system, write=write), count)
    await asyncio.to_thread(processes.end, servers.stack.processes[_NAME], signal.SIGTERM, 60)
    await system.close()
    return count


def _line(system: System, *, write: bool) -> Line:
    return system.log.confirmed if write else system.documents.visible


def _spawn(servers: Servers, service: str, stats: Path) -> None:
    port = servers.stack.port(_NAME)
    command = [sys.executable, "-m", "tests.benchmarks.profiled", str(stats), _MODULES[service], "serve"]
    servers.stack.spawn(_NAME, command, {**servers.addresses, "REGISTRAR_HTTP_PORT": str(port)})


def _times(stats: pstats.Stats, commands: int) -> dict[Function, tuple[float, float]]:
    """Microseconds a command of each function itself, and with all that it calls."""
    found: Mapping[Function, tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    return {
        function: (own / commands * 1e6, whole / commands * 1e6) for function, (_, _, own, whole, _) in found.items()
    }


def _steps(times: Mapping[Function, tuple[float, float]], service: str) -> Iterator[str]:
    for step, (file, name) in STEPS[service].items():
        whole = sum(both[1] for function, both in times.items() if function[0].endswith(file) and function[2] == name)
        yield f"{whole:9.1f} µs a command  {step}"
    yield ""


def _lines(spent: Mapping[Function, float], functions: int) -> Iterator[str]:
    parts: dict[str, float] = {}
    for function, each in spent.items():
        parts[_part(function)] = parts.get(_part(function), 0.0) + each
    for part, each in sorted(parts.items(), key=lambda item: -item[1]):
        yield f"{each:9.1f} µs a command  {part}"
    yield ""
    shown = [item for item in spent.items() if _part(item[0]) not in ("waiting", "starting")]
    for (file, line, name), each in sorted(shown, key=lambda item: -item[1])[:functions]:
        yield f"{each:9.1f} µs  {name}  {'/'.join(Path(file).parts[-3:])}:{line}"


def _part(function: Function) -> str:
    text = f"{function[0]} {function[2]}"
    return next((part for part, marks in _PARTS.items() if any(mark in text for mark in marks)), _REST)


if __name__ == "__main__":
    main()
