"""Cutting many JSON objects into messages by count and by bytes."""

from collections.abc import Iterable, Iterator

from contracts.values import MAX_BATCH, MAX_MESSAGE_BYTES


def cut(
    objects: Iterable[bytes], max_count: int = MAX_BATCH, max_bytes: int = MAX_MESSAGE_BYTES
) -> Iterator[list[bytes]]:
    """Runs of the objects, in order, each of which fits into one message as `array` writes it."""
    run: list[bytes] = []
    size = 2
    for item in objects:
        if run and (len(run) == max_count or size + len(item) + 1 > max_bytes):
            yield run
            run, size = [], 2
        run.append(item)
        size += len(item) + 1
    if run:
        yield run


def array(objects: list[bytes]) -> bytes:
    """The JSON array of objects that are JSON already."""
    return b"[" + b",".join(objects) + b"]"
