"""What follows from samples: medians, ratios, goals, cost."""

import pytest

from tests.benchmarks.results import Goal, Outcome, Sample, Spread, cores, peak, per_command
from tests.unit.benchmarks.outcomes import outcome


def test_a_spread_is_the_median_with_least_and_most() -> None:
    assert outcome().spread("registrar", "commands/s") == Spread(2000, 1500, 3000)
    assert outcome().spread("registrar", "seconds") is None


def test_a_ratio_is_that_of_the_medians_with_the_rounds_at_its_ends() -> None:
    assert outcome().ratio(Goal("commands/s", "naive", least=15)) == Spread(20, 15, 30)


def test_a_goal_without_a_peer_is_about_the_figure_itself() -> None:
    assert outcome().ratio(Goal("commands/s", least=15)) == Spread(2000, 1500, 3000)


def test_a_goal_whose_peer_was_not_measured_has_no_ratio() -> None:
    assert outcome().ratio(Goal("commands/s", "ceiling", least=0.5)) is None


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        (Goal("x", "naive", least=15), 15, True),
        (Goal("x", "naive", least=15), 14.9, False),
        (Goal("x", "naive", most=0.7), 0.7, True),
        (Goal("x", "naive", most=0.7), 0.71, False),
    ],
)
def test_a_goal_is_met_at_its_bound_and_not_beyond(goal: Goal, ratio: float, met: bool) -> None:
    assert goal.met(ratio) is met


def test_the_cost_of_a_command_is_processor_time_over_commands() -> None:
    assert per_command(outcome().of("registrar")) == {"service": 500.0, "postgres": 250.0}
    assert cores(outcome().of("registrar")) == {"service": 0.25, "postgres": 0.12}
    assert peak(outcome().of("registrar")) == {"service": 80.0, "postgres": 60.0}


def test_a_sample_is_the_same_after_it_was_written_down() -> None:
    one = outcome(Goal("commands/s", "naive", least=15))
    written = one.as_json()
    read = [Sample.from_json(values) for values in written["samples"]]
    assert Outcome(one.row, one.title, read, one.goals, one.made) == one
    assert written["goals"] == [
        {
            "goal": "registrar: commands/s ≥ 15 × naive",  # noqa: RUF001
            "ratio": {"median": 20, "least": 15, "most": 30},
            "met": True,
        }
    ]
