"""A private RabbitMQ: a node of its own name, cookie, port mapper and files, on loopback."""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

import aio_pika

from deploy.local.stack import Stack, Trouble, write_private
from deploy.local.starting import answering, keep_port

NAME, MAPPER = "rabbitmq", "epmd"
NODE, USER, VHOST = "registrar@localhost", "registrar", "registrar"
TEST_VHOSTS = tuple(f"test_{number}" for number in range(8))
BENCH_VHOSTS = tuple(f"bench_{number}" for number in range(6))

# Schedulers that wait without spinning leave the processor to whoever else runs on a small machine.
_ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"


def url(stack: Stack, vhost: str = VHOST) -> str:
    """The address of a virtual host."""
    return f"amqp://{USER}:{stack.secret('amqp')}@127.0.0.1:{stack.port(NAME)}/{vhost}"


async def start(stack: Stack) -> None:
    """Start the port mapper and the broker, and wait until it lets its user in."""
    binaries, surroundings = _binaries(), _surroundings(stack)
    data = stack.data(NAME)
    (data / "home").mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    if not stack.running(MAPPER):
        mapper = keep_port(stack, MAPPER)
        stack.spawn(MAPPER, [_epmd(), "-port", str(mapper), "-address", "127.0.0.1"], surroundings)
    keep_port(stack, NAME)
    keep_port(stack, "rabbitmq-distribution")
    write_private(data / "rabbitmq.conf", _configuration(stack))
    write_private(data / "definitions.json", json.dumps(_definitions(stack)))
    (data / "plugins").write_text("[].\n")
    stack.spawn(NAME, [binaries / "rabbitmq-server"], surroundings)
    await answering(stack, NAME, lambda: _probe(stack))


def control(stack: Stack, *arguments: str) -> str:
    """Run rabbitmqctl on the node and return what it said. Raises CalledProcessError."""
    command = [str(_binaries() / "rabbitmqctl"), "--quiet", *arguments]
    return subprocess.run(
        command, env=_surroundings(stack), check=True, capture_output=True, text=True, timeout=60
    ).stdout


async def _probe(stack: Stack) -> None:
    # The client logs every refusal, so it is asked only once somebody listens.
    _, writer = await asyncio.open_connection("127.0.0.1", stack.port(NAME))
    writer.close()
    connection = await aio_pika.connect(url(stack), timeout=5)
    await connection.close()


def _surroundings(stack: Stack) -> dict[str, str]:
    data = stack.data(NAME)
    return {
        **os.environ,
        "HOME": str(data / "home"),
        "ERL_EPMD_PORT": str(stack.port(MAPPER)),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": str(data / "erl_crash.dump"),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(stack.port(NAME)),
        "RABBITMQ_DIST_PORT": str(stack.port("rabbitmq-distribution")),
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(data / "no-advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        "RUNNING_UNDER_SYSTEMD": "true",  # the start script becomes the broker, so that its process id is the broker's
    }


def _configuration(stack: Stack) -> str:
    data = stack.data(NAME)
    settings = {
        "listeners.tcp.local": f"127.0.0.1:{stack.port(NAME)}",
        "load_definitions": data / "definitions.json",
        "disk_free_limit.absolute": "64MB",
        "log.console.level": "info",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _definitions(stack: Stack) -> dict[str, object]:
    vhosts = (VHOST, *((*TEST_VHOSTS, *BENCH_VHOSTS) if stack.test else ()))
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + stack.secret("amqp").encode()).digest()
    user = {
        "name": USER,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }
    everything = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [user],
        "vhosts": [{"name": vhost} for vhost in vhosts],
        "permissions": [{**everything, "vhost": vhost} for vhost in vhosts],
    }


def _binaries() -> Path:
    # The scripts on the path are Debian's, which want root or the user rabbitmq; these run as anybody.
    scripts = [Path("/usr/lib/rabbitmq/bin"), *sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin"))]
    for folder in scripts:
        if (folder / "rabbitmq-server").exists():
            return folder
    raise Trouble("RabbitMQ is not installed: deploy/local/install.sh installs what is missing")


def _epmd() -> str:
    found = shutil.which("epmd") or next(map(str, Path("/usr/lib/erlang").glob("erts-*/bin/epmd")), None)
    if not found:
        raise Trouble("Erlang's epmd is not installed: deploy/local/install.sh installs what is missing")
    return found
