"""A process that serves does not walk through all that it has loaded, again and again."""

import subprocess
import sys

_SCRIPT = """
import gc
from contracts.collector import spare_what_is_there
gc.set_threshold(7, 7, 7)
loaded = len(gc.get_objects())
spare_what_is_there()
cycle = []
cycle.append(cycle)
del cycle
assert gc.collect() >= 1
assert len(gc.get_objects()) < loaded / 10, len(gc.get_objects())
assert gc.get_threshold()[0] > 700
"""


_BATCHES = """
import gc
from contracts.collector import spare_what_is_there
from contracts.reading import read_command_message
from tests.benchmarks import workload
messages = list(workload.batches(workload.lives(1, 1000), 100))[:50]
spare_what_is_there()
rounds = []
gc.callbacks.append(lambda phase, info: rounds.append(info))
kept = [read_command_message(message.body, message.content_type, message.key) for message in messages]
assert not rounds, rounds
"""


def test_what_is_there_is_spared_and_what_comes_later_is_collected() -> None:
    subprocess.run([sys.executable, "-c", _SCRIPT], check=True)


def test_no_round_walks_through_the_commands_of_ten_batches() -> None:
    subprocess.run([sys.executable, "-c", _BATCHES], check=True)
