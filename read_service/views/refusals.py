"""Why a readable query gets no result."""


class InvalidParameter(Exception):
    """A cursor or a token that is not ours or not for this query, or a prefix that says nothing."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class NotNow(Exception):
    """The query cannot be answered at this moment."""
