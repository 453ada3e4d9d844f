"""What the write service counts and measures, under the names that /metrics shows."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

COMMANDS = Counter(
    "registrar_write_commands_total", "Commands by type and outcome", ["type", "outcome"], registry=REGISTRY
)
BATCH_SIZE = Histogram("registrar_write_batch_size", "Commands in one transaction", buckets=_SIZES, registry=REGISTRY)
COMMIT_SECONDS = Histogram(
    "registrar_write_commit_seconds", "Time of one transaction, reads included", buckets=_SECONDS, registry=REGISTRY
)
IN_FLIGHT = Gauge("registrar_write_in_flight", "Messages taken and not yet acknowledged", registry=REGISTRY)
SUSPECTS = Gauge(
    "registrar_write_suspects", "Messages under suspicion; while there are any, others wait", registry=REGISTRY
)
OUTBOX_ROWS = Gauge("registrar_write_outbox_rows", "Events waiting in the outbox", registry=REGISTRY)
OUTBOX_OLDEST = Gauge(
    "registrar_write_outbox_oldest_seconds", "Age of the oldest event in the outbox", registry=REGISTRY
)
PUBLISHED = Counter("registrar_write_published_total", "Events that the broker confirmed", ["by"], registry=REGISTRY)
UNCONFIRMED = Counter(
    "registrar_write_unconfirmed_total", "Events that the broker did not confirm in time", registry=REGISTRY
)
RETURNED = Counter("registrar_write_returned_total", "Events that no queue took", registry=REGISTRY)
SWEEPS = Counter("registrar_write_sweeps_total", "Passes over what was left in the outbox", registry=REGISTRY)
PARKED = Counter("registrar_write_parked_total", "Messages that were parked, by kind", ["kind"], registry=REGISTRY)
PARKED_ROWS = Gauge("registrar_write_parked_rows", "Parked messages that wait for a person", registry=REGISTRY)
PURGED = Counter(
    "registrar_write_purged_total", "Old rows forgotten: outcomes, closed cases of parked messages", registry=REGISTRY
)
OPERATIONS = Counter(
    "registrar_write_operations_total",
    "Requests of the read service by operation and answer",
    ["operation", "status"],
    registry=REGISTRY,
)
REPLAYED = Counter("registrar_write_replayed_total", "Events sent again because they were asked for", registry=REGISTRY)
