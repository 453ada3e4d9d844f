"""The services as processes of this machine: set up once, then as many replicas of each as are asked for."""

import asyncio
import os
import signal
import sys
import urllib.request
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.local import processes
from deploy.local.stack import Stack, Trouble
from deploy.local.starting import answering, keep_port

WRITE, READ = "write-service", "read-service"

# Each gets what is its own: the write service never holds the owner's password, nor the address of the documents.
_ADDRESSES = {
    WRITE: ("REGISTRAR_AMQP_URL", "REGISTRAR_POSTGRES_URL"),
    READ: ("REGISTRAR_AMQP_URL", "REGISTRAR_MONGO_URL", "REGISTRAR_MONGO_VIEWS_URL"),
}
_SETUP_SECONDS = 120
_READY_SECONDS = 60
_STOP_SECONDS = 40  # the services bound their own stopping at 25 s


def up(stack: Stack, addresses: Mapping[str, str], replicas: Mapping[str, int]) -> None:
    """Run `setup` of both services, then start and stop replicas until there are as many as asked. Raises Trouble."""
    _change(stack, addresses, replicas, set_up=list(replicas))


def scale(stack: Stack, addresses: Mapping[str, str], replicas: Mapping[str, int]) -> None:
    """Start and stop replicas of services that are set up until there are as many as asked. Raises Trouble."""
    _change(stack, addresses, replicas, set_up=[])


def _change(stack: Stack, addresses: Mapping[str, str], replicas: Mapping[str, int], set_up: list[str]) -> None:
    wanted = [f"{service}-{number}" for service, count in replicas.items() for number in range(1, count + 1)]
    surplus = [name for name in stack.processes if _service(name) in replicas and name not in wanted]
    missing = [name for name in wanted if not stack.running(name)]
    for name in sorted(set(missing) & set(stack.processes)):
        print(f"{stack.died(name)}\n{name} is started again.")
    if wanted and not missing and not surplus:
        print(f"The services run already: {', '.join(wanted)}.")
    _stop(stack, surplus)
    if missing:
        asyncio.run(_set_up_and_start(stack, addresses, set_up, missing))


async def _set_up_and_start(stack: Stack, addresses: Mapping[str, str], set_up: list[str], names: list[str]) -> None:
    await _all(_set_up(service, addresses) for service in set_up)
    await _all(_start(stack, addresses, name) for name in names)


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    results = await asyncio.gather(*steps, return_exceptions=True)
    if failures := [result for result in results if isinstance(result, BaseException)]:
        raise Trouble("\n".join(str(failure) or repr(failure) for failure in failures)) from failures[0]


async def _set_up(service: str, addresses: Mapping[str, str]) -> None:
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    surroundings = {**os.environ, **addresses}
    program = str(_program(service))
    setting = await asyncio.create_subprocess_exec(program, "setup", env=surroundings, stdout=pipe, stderr=both)
    try:
        said, _ = await asyncio.wait_for(setting.communicate(), _SETUP_SECONDS)
    except TimeoutError:
        setting.kill()
        raise Trouble(f"{service} setup was not done within {_SETUP_SECONDS} s") from None
    if setting.returncode:
        last = "\n".join(f"    {line}" for line in said.decode(errors="replace").splitlines()[-15:])
        raise Trouble(f"{service} setup failed with exit code {setting.returncode}:\n{last}")


async def _start(stack: Stack, addresses: Mapping[str, str], name: str) -> None:
    service, port = _service(name), keep_port(stack, name)
    settings = {variable: value for variable, value in os.environ.items() if variable not in addresses}
    settings |= {variable: addresses[variable] for variable in _ADDRESSES[service]}
    settings |= {"REGISTRAR_HTTP_HOST": "127.0.0.1", "REGISTRAR_HTTP_PORT": str(port)}
    stack.spawn(name, [_program(service), "serve"], settings)
    await answering(stack, name, lambda: asyncio.to_thread(_ready, port), _READY_SECONDS)
    print(f"{name} answers on http://127.0.0.1:{port}")


def _ready(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=4) as answer:
        answer.read()


def _stop(stack: Stack, names: list[str]) -> None:
    for name in names:
        processes.send(stack.processes[name], signal.SIGTERM)
    for name in names:
        processes.end(stack.processes[name], within=_STOP_SECONDS)
        stack.forget(name)
        print(f"{name} has stopped.")


def _service(name: str) -> str:
    return name.rpartition("-")[0]


def _program(service: str) -> Path:
    return Path(sys.executable).parent / service
