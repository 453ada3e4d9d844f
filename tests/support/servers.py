"""The private servers of a test run: started for it, or used as they are where they run already."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import servers
from deploy.local.stack import DEFAULT_ROOT, Stack, changing, load


def test_root() -> Path:
    """The folder of the test stack; REGISTRAR_TEST_ROOT keeps parallel runs apart."""
    return Path(os.environ.get("REGISTRAR_TEST_ROOT") or DEFAULT_ROOT / "test")


@contextmanager
def running_servers(root: Path) -> Iterator[Stack]:
    """The three servers. Those that run already are left running; others begin empty and stop after the block."""
    before = load(root)
    if all(before.running(name) for name in servers.START):
        yield before
        return
    with changing(root) as old:
        servers.down(old)
        servers.wipe(old)
        stack = Stack(old.root, test=True)
        try:
            servers.up(stack, environ={})
        except BaseException:
            servers.down(stack)
            raise
    try:
        yield stack
    finally:
        with changing(root):
            servers.down(stack)  # its logs stay for whoever wants to know
