"""Results that were never measured, for tests of what is made of them."""

from tests.benchmarks.meter import Usage
from tests.benchmarks.results import Goal, Outcome, Sample

MADE = {
    "at": "2026-01-01T00:00:00+00:00",
    "processor": "none",
    "cores": 2,
    "memory_gib": 8.0,
    "python": "3.11.0",
    "commit": "0123abc",
}


def sample(subject: str, rate: float) -> Sample:
    """A thousand commands at this rate, with two processes."""
    cpu, memory = {"service": 0.5, "postgres": 0.25}, {"service": 80.0, "postgres": 60.0}
    trail = {"service": [[0.0, 70.0], [1.0, 80.0]]}
    return Sample(subject, {"commands/s": rate}, 1000, 2.0, Usage(cpu, memory, trail, began=0.0))


def outcome(*goals: Goal, row: str = "single") -> Outcome:
    """Three rounds of two subjects: the ratio of the medians is 20, of the rounds 15 to 30."""
    rounds = (("registrar", 2000), ("naive", 100), ("registrar", 3000), ("naive", 100), ("registrar", 1500))
    samples = [sample(subject, rate) for subject, rate in (*rounds, ("naive", 100))]
    return Outcome(row, "what was measured", samples, goals, dict(MADE))
