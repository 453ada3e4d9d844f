"""All rows of the table, in its order."""

from tests.benchmarks.bench import Row
from tests.benchmarks.rows import (
    batches,
    burst,
    hot,
    light,
    log,
    publishing,
    queries,
    scale,
    sides,
    single,
    sizes,
    step,
    tuning,
)

_MODULES = (single, batches, sides, hot, light, queries, scale, burst, step, publishing, sizes, log, tuning)

ROWS: dict[str, Row] = {module.ROW.name: module.ROW for module in _MODULES}
