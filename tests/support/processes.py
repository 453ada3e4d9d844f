"""A service as a real process, for tests: started with an environment of the test's, waited for, killed, frozen."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from deploy.local.processes import MARK, tail
from deploy.local.stack import free_port
from tests.support.eventually import eventually
from tests.support.servers import test_root


class Process:
    """A process of one of our programs. Its log is shown when it does not do what was waited for."""

    def __init__(self, program: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = Path(tempfile.mkstemp(prefix=f"{program}-", suffix=".log")[1])
        self._command = [str(Path(sys.executable).parent / program), *arguments]
        place = {"REGISTRAR_HTTP_HOST": "127.0.0.1", "REGISTRAR_HTTP_PORT": str(self.port)}
        # Marked as of the test stack: whatever a killed test run leaves behind goes down with its servers.
        self._environment = {**os.environ, **place, **environment, MARK: str(test_root().resolve())}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it answers over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "it has not been started"
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """Its exit code, minus the number of the signal that ended it; None while it runs."""
        assert self._process is not None, "it has not been started"
        return self._process.returncode

    async def start(self) -> None:
        """Start it, or start it again on the same port."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )

    async def ready(self, within: float = 30) -> None:
        """Wait until it says that it is ready. Raises AssertionError with the end of its log."""

        async def it_is_ready() -> bool:
            if self.ended is not None:
                raise RuntimeError(f"it ended with {self.ended}")
            return await asyncio.to_thread(self.health) == 200

        try:
            await eventually(it_is_ready, within=within, every=0.05)
        except (AssertionError, RuntimeError) as failure:
            raise AssertionError(f"{self._command[0]}: {failure}\n{self.last_words()}") from None

    def health(self, path: str = "/health/ready") -> int | None:
        """The status with which it answers; None where it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=3) as answer:  # noqa: S310 - our own
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code
        except OSError:
            return None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGKILL, SIGSTOP, SIGCONT, SIGTERM."""
        os.kill(self.pid, number)

    async def end(self, within: float = 40) -> int:
        """Wait for its end and return its exit code. Raises AssertionError with the end of its log."""
        assert self._process is not None, "it has not been started"
        try:
            return await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError:
            raise AssertionError(f"{self._command[0]} still runs after {within:g} s\n{self.last_words()}") from None

    async def stop(self, within: float = 40) -> int:
        """Ask it to stop (SIGTERM), wait, and return its exit code."""
        self.send(signal.SIGTERM)
        return await self.end(within)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None and self.ended is None:
            with contextlib.suppress(ProcessLookupError):
                self.send(signal.SIGKILL)
            await self._process.wait()

    def last_words(self, lines: int = 30) -> str:
        """The end of its log."""
        return tail(self.log, lines)


@contextlib.asynccontextmanager
async def process(program: str, *arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """A process that runs within the block, and is gone after it whatever happens. Not yet ready: await `ready()`."""
    made = Process(program, arguments, environment)
    try:
        await made.start()
        yield made
    finally:
        await made.kill()
        made.log.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def ready(program: str, *, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """`program serve`, ready."""
    async with process(program, "serve", environment=environment) as made:
        await made.ready()
        yield made
