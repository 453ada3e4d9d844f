"""A name as a client sends it that knows no UTF-8."""


class NotText(str):
    """On the wire 255 bytes, the most there can be; once they are read three times as many."""

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def encode(self, *_: object) -> bytes:
        """What is sent."""
        return b"\xff" * 255
