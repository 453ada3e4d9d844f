"""A stack: its folder, and the file in which its ports, passwords and processes are remembered."""

import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local import processes
from deploy.local.processes import Known

CHECKOUT = Path(__file__).parents[2]
DEFAULT_ROOT = CHECKOUT / ".local"
TOOLS = DEFAULT_ROOT / "tools"

# Below the range from which the kernel gives ports to clients: one of those could sit on ours between stop and start.
_PORTS = range(20_000, 32_000)


class Trouble(Exception):
    """Something that a person has to hear about; the message is all that is shown."""


@dataclass
class Stack:
    """What is remembered of a stack. Changed by its servers and services; `save` writes it down."""

    root: Path
    test: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    processes: dict[str, Known] = field(default_factory=dict)

    @property
    def environment_file(self) -> Path:
        """Where the addresses are written for others."""
        return self.root / "stack.env"

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.root / "log" / f"{name}.log"

    def data(self, name: str) -> Path:
        """The folder of a server's files; it stays the same for as long as the stack exists."""
        return Path(self.folders.setdefault(name, str(self.root / "data" / name)))

    def port(self, name: str) -> int:
        """The port that stays with this name. A new one is free and below 32768."""
        if name not in self.ports:
            self.ports[name] = free_port(set(self.ports.values()))
            self.save()
        return self.ports[name]

    def secret(self, name: str) -> str:
        """The password that stays with this name."""
        if name not in self.secrets:
            self.secrets[name] = secrets.token_urlsafe(18)
            self.save()
        return self.secrets[name]

    def once(self, step: str) -> bool:
        """Whether a step is still to be done; `finished` says that it has been."""
        return step not in self.done

    def finished(self, *steps: str) -> None:
        """Remember that steps have been done."""
        self.done = [*self.done, *steps]
        self.save()

    def running(self, name: str) -> bool:
        """Whether the process of this name runs."""
        return name in self.processes and processes.alive(self.processes[name])

    def spawn(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] = os.environ) -> Known:
        """Start a process and remember it at once, so that it is found whatever happens next."""
        self.log(name).parent.mkdir(parents=True, exist_ok=True)
        try:
            known = processes.spawn(command, self.log(name), {**environment, processes.MARK: str(self.root)})
        except FileNotFoundError:
            raise Trouble(f"{command[0]} is not installed: deploy/local/install.sh installs what is missing") from None
        self.processes[name] = known
        self.save()
        return known

    def forget(self, name: str) -> None:
        """Forget a process that has ended."""
        self.processes.pop(name, None)
        self.save()

    def died(self, name: str) -> str:
        """What is said of a process that is not there although it should be."""
        return f"{name} has died; the last lines of {self.log(name)}:\n{processes.tail(self.log(name))}"

    def save(self) -> None:
        """Write everything down, in one step."""
        self.root.mkdir(parents=True, exist_ok=True)
        values = asdict(self)
        del values["root"]
        draft = self.root / "stack.json.new"
        write_private(draft, json.dumps(values, indent=1))
        draft.replace(self.root / "stack.json")


def load(root: Path) -> Stack:
    """The stack of a folder, as remembered; an unreadable memory counts as none."""
    root = root.resolve()
    stack = Stack(root)
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
        values = json.loads((root / "stack.json").read_text())
        known = {name: Known(**process) for name, process in values.pop("processes").items()}
        stack = Stack(root, processes=known, **values)
    return stack


@contextlib.contextmanager
def changing(root: Path) -> Iterator[Stack]:
    """The stack, while no other command may change it."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield load(root)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, at no moment anybody else."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def taken(port: int) -> bool:
    """Whether somebody listens on this port of loopback, or holds it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_port(ours: Collection[int] = ()) -> int:
    """A port of loopback that nobody holds at the moment, below those that the kernel gives to clients."""
    for _ in range(1000):
        port = secrets.choice(_PORTS)
        if port not in ours and not taken(port):
            return port
    raise Trouble(f"no free port between {_PORTS.start} and {_PORTS.stop}")
