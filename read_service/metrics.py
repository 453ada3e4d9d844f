"""What the read service counts and times, for /metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

# One registry of the service's own: what a library registers globally does not appear among its numbers.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

QUERIES = Counter(
    "registrar_read_queries_total", "Queries answered, by reply status", ["name", "status", "via"], registry=REGISTRY
)
QUERY_SECONDS = Histogram(
    "registrar_read_query_seconds",
    "Time to answer a query, waiting for tokens included",
    ["name", "via"],
    buckets=_FAST,
    registry=REGISTRY,
)
WAITERS = Gauge("registrar_read_waiters", "Queries that wait for a token's version", registry=REGISTRY)
UNANSWERABLE = Counter(
    "registrar_read_unanswerable_queries_total", "Queries without an allowed reply_to", ["reason"], registry=REGISTRY
)

EVENTS = Counter("registrar_read_events_total", "Events applied, by type", ["type"], registry=REGISTRY)
DUPLICATES = Counter("registrar_read_duplicates_total", "Events that were known already", registry=REGISTRY)
EARLY = Counter("registrar_read_early_total", "Events that came before their predecessor", registry=REGISTRY)
EVENT_BATCH = Histogram(
    "registrar_read_batch_size",
    "Events applied in one transaction",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=REGISTRY,
)
TRANSACTION_SECONDS = Histogram(
    "registrar_read_transaction_seconds",
    "Time of one transaction, its retries included",
    buckets=_FAST,
    registry=REGISTRY,
)
RETRIES = Counter(
    "registrar_read_retries_total", "Transactions that ran again, by reason", ["reason"], registry=REGISTRY
)
VISIBILITY_SECONDS = Histogram(
    "registrar_read_visibility_seconds",
    "From the time of an event to its documents",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
PARKED = Counter(
    "registrar_read_parked_total", "Events and messages that were parked, by kind", ["kind"], registry=REGISTRY
)

GAPS = Gauge("registrar_read_gaps", "Companies that stand still because an earlier event is missing", registry=REGISTRY)
UNREPAIRABLE = Gauge(
    "registrar_read_gaps_unrepairable",
    "Companies of which the write service did not send what is missing",
    registry=REGISTRY,
)
REPAIR_REQUESTS = Counter(
    "registrar_read_repair_requests_total", "Requests for versions that are missing", registry=REGISTRY
)
AHEAD = Gauge("registrar_read_ahead", "Events stored because they came too early", registry=REGISTRY)
PARKED_OPEN = Gauge("registrar_read_parked_open", "Parked cases that wait for a person", registry=REGISTRY)
QUEUE_DEPTH = Gauge("registrar_read_queue_depth", "Messages that wait in a queue", ["queue"], registry=REGISTRY)
