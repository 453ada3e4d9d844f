"""The files of the private PostgreSQL: made by an account of the operating system that may run the server."""

import asyncio
import contextlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from deploy.local.stack import Stack, Trouble, write_private

NAME = "postgres"
ACCOUNT = "postgres"  # the server refuses to run as root


async def make(stack: Stack, data: Path) -> None:
    """Make the cluster's files. Raises Trouble with what initdb said."""
    shutil.rmtree(data, ignore_errors=True)  # of a first start that was interrupted
    secret = data.parent / "password"
    write_private(secret, stack.secret("postgres"))
    if os.geteuid() == 0:
        shutil.chown(secret, ACCOUNT)
    options = ["-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    made = await asyncio.create_subprocess_exec(
        *as_account(),
        program("initdb"),
        *options,
        "--locale=C.UTF-8",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
    )
    said, _ = await made.communicate()
    secret.unlink()
    if made.returncode:
        raise Trouble(f"initdb failed:\n{said.decode()}")
    stack.finished("postgres cluster")


async def no_one_left(data: Path) -> None:
    """Wait until a killed server and its children are gone, zombies too: another one does not start before."""
    for _ in range(200):
        if not _seen_by_postgres(data) and not _working_in(data):
            return
        await asyncio.sleep(0.05)
    if not _working_in(data):  # its id now belongs to another program
        (data / "postmaster.pid").unlink(missing_ok=True)


def _seen_by_postgres(data: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return Path(f"/proc/{int((data / 'postmaster.pid').read_text().split()[0])}").exists()
    return False


def _working_in(data: Path) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cwd").readlink() == data:
                return True
    return False


def wipe(stack: Stack) -> None:
    """Remove the data, wherever it lies."""
    shutil.rmtree(_place(stack), ignore_errors=True)


def folder(stack: Stack) -> Path:
    """The folder of the cluster, in a place that its account reaches."""
    place = _place(stack)
    place.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(place, ACCOUNT)
    place.chmod(0o700)
    return place / "cluster"


def _place(stack: Stack) -> Path:
    if NAME not in stack.folders and os.geteuid() == 0 and not _reachable(stack.root):
        stack.folders[NAME] = tempfile.mkdtemp(prefix="registrar-postgres-", dir="/var/tmp")
    return stack.data(NAME)


def _reachable(target: Path) -> bool:
    """Whether the account may pass every folder on the way."""
    account = _account()
    for step in (target, *target.parents):
        if step.exists():
            about = step.stat()
            mine = 0o100 if about.st_uid == account.pw_uid else 0o010 if about.st_gid == account.pw_gid else 0o001
            if not about.st_mode & mine:
                return False
    return True


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise Trouble(f"PostgreSQL does not run as root, and there is no account {ACCOUNT}") from None


def as_account() -> list[str]:
    """What goes before a command so that it runs as the account, where we are root."""
    if os.geteuid() != 0:
        return []
    account = _account()
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, of the newest version that is installed. Raises Trouble."""
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name))
    for place in (*reversed(by_version), Path("/usr/local/bin"), Path("/usr/bin")):
        if (place / name).exists():
            return str(place / name)
    raise Trouble("PostgreSQL is not installed: deploy/local/install.sh installs what is missing")
