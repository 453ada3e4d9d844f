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
