"""A number that one process raises and another one reads: how far a subject is that stores nothing."""

import mmap
import os
import struct
from pathlib import Path

_NUMBER = struct.Struct("q")


class Counter:
    """The number in a file of eight bytes."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(handle, _NUMBER.size)
        self._memory = mmap.mmap(handle, _NUMBER.size)
        os.close(handle)

    @property
    def value(self) -> int:
        """The number now."""
        return int(_NUMBER.unpack_from(self._memory)[0])

    def add(self, count: int = 1) -> None:
        """Raise it."""
        _NUMBER.pack_into(self._memory, 0, self.value + count)
