"""The words of the domain that are plain values: statuses, and the form in which names compare."""

import unicodedata
from functools import lru_cache
from typing import Literal

Status = Literal["registered", "active", "suspended", "closed"]


@lru_cache(1_000)  # a name is asked for up to five times while its batch is under way
def name_key(name: str) -> str:
    """Equal for two company names that count as the same: NFKC, trimmed, white space collapsed, case folded."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
