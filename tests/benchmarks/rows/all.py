"""All rows of the table, in its order."""

from tests.benchmarks.bench import Row
from tests.benchmarks.rows import batches, publishing, sides, single

ROWS: dict[str, Row] = {row.name: row for row in (single.ROW, batches.ROW, sides.ROW, publishing.ROW)}
