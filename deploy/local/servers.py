"""The three servers of a stack together: up, down, status."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Mapping

from deploy.local import cluster, environment, mongo, postgres, processes, rabbitmq
from deploy.local.stack import Stack, Trouble

START: dict[str, Callable[[Stack], Awaitable[None]]] = {
    rabbitmq.NAME: rabbitmq.start,
    postgres.NAME: postgres.start,
    mongo.NAME: mongo.start,
}
# Postgres' fast stop ends sessions; its TERM would wait for them.
_STOP_SIGNALS = {postgres.NAME: signal.SIGINT}
_STOP_SECONDS = 30


def up(stack: Stack, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Start the servers that do not run, and write and return the addresses. Raises Trouble.

    `environ` may name existing servers, which are then used instead.
    """
    given = environment.given(stack, environ)
    wanted = [name for name in START if name not in environment.servers_of(given)]
    missing = [name for name in wanted if not stack.running(name)]
    for name in set(missing) & set(stack.processes):
        print(f"{stack.died(name)}\n{name} is started again.")
    if wanted and not missing:
        print(f"The servers run already: {', '.join(wanted)}.")
    asyncio.run(_start(stack, missing))
    values = {**environment.own(stack), **given}
    environment.write(stack, values)
    return values


async def _start(stack: Stack, names: list[str]) -> None:
    results = await asyncio.gather(*(_timed(stack, name) for name in names), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, Trouble):
            raise failure
    if failures:
        raise Trouble("\n".join(map(str, failures)))


async def _timed(stack: Stack, name: str) -> None:
    began = time.monotonic()
    await START[name](stack)
    print(f"{name} listens on 127.0.0.1:{stack.port(name)} ({time.monotonic() - began:.1f} s)")


def start(stack: Stack, name: str) -> None:
    """Start one server again. Raises Trouble."""
    asyncio.run(_start(stack, [name]))


def down(stack: Stack) -> None:
    """End every process of the stack, the forgotten ones too, and wait until each has gone."""
    services = [name for name in stack.processes if name not in (*START, rabbitmq.MAPPER)]
    for names in (services, [*START], [rabbitmq.MAPPER]):
        _end(stack, [name for name in names if name in stack.processes])
    for forgotten in processes.marked(str(stack.root)):
        if forgotten.pid != os.getpid():
            processes.end(forgotten, within=5)


def _end(stack: Stack, names: list[str]) -> None:
    ran = [name for name in names if stack.running(name)]
    for name in names:
        processes.send(stack.processes[name], _STOP_SIGNALS.get(name, signal.SIGTERM))
    for name in names:
        if not processes.end(stack.processes[name], _STOP_SIGNALS.get(name, signal.SIGTERM), _STOP_SECONDS):
            print(f"{name} did not stop within {_STOP_SECONDS} s and was killed.")
        elif name in ran:
            print(f"{name} has stopped.")
        stack.forget(name)


def wipe(stack: Stack) -> None:
    """Remove what a stopped stack has stored: data, logs, passwords, ports."""
    cluster.wipe(stack)
    for folder in ("data", "log"):
        shutil.rmtree(stack.root / folder, ignore_errors=True)
    for file in ("stack.json", "stack.json.new", "stack.env"):
        (stack.root / file).unlink(missing_ok=True)


def status(stack: Stack) -> bool:
    """Print a line per process, and the last words of the dead. False when one is dead."""
    dead = [name for name in stack.processes if not stack.running(name)]
    for name in sorted(set(stack.processes) - set(dead)):
        port = f"127.0.0.1:{stack.ports[name]}" if name in stack.ports else ""
        print(f"{name:<18} runs, process {stack.processes[name].pid:<8} {port}")
    for name in dead:
        print(stack.died(name))
    if not stack.processes:
        print("Nothing runs.")
    return not dead
