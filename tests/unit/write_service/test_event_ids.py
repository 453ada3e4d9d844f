"""Ids of events: of version 7, each another one, however many a commit has."""

import itertools
import uuid
from datetime import UTC, datetime

from write_service.service_layer.publishing import event_ids

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def test_they_are_uuids_of_version_7_that_bear_the_time_of_the_commit() -> None:
    for text in itertools.islice(event_ids(NOW), 100):
        found = uuid.UUID(text)
        assert (str(found), found.version, found.variant) == (text, 7, uuid.RFC_4122)
        assert found.int >> 80 == int(NOW.timestamp() * 1000)


def test_no_two_are_the_same_and_they_lie_in_the_order_in_which_they_were_made() -> None:
    made = list(itertools.islice(event_ids(NOW), 4096))
    assert len(set(made)) == len(made)
    assert made == sorted(made)


def test_two_commits_of_one_moment_share_no_random_part() -> None:
    randoms = {text[19:] for _ in range(2) for text in itertools.islice(event_ids(NOW), 500)}
    assert len(randoms) == 1000
