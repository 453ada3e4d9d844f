"""Alerts and the dashboard name only metrics that are there."""

import json
import re

from prometheus_client import CollectorRegistry

from read_service.metrics import REGISTRY as READ
from tests.unit.deploy.files import DEPLOY, documents, text
from write_service.metrics import REGISTRY as WRITE

# RabbitMQ's own, of the families that prometheus.yml asks for.
BROKER = {"rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_consumers"}


def names_in(expressions: str) -> set[str]:
    """The names of metrics that a text mentions."""
    return set(re.findall(r"\b(?:registrar|rabbitmq)_[a-z_]+\b", expressions))


def served(registry: CollectorRegistry) -> set[str]:
    """The names under which a service shows its metrics."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {family.name + suffix for family in registry.collect() for suffix in suffixes.get(family.type, [])}


def unknown(expressions: str) -> set[str]:
    """The names that neither a service nor the broker shows."""
    return names_in(expressions) - served(WRITE) - served(READ) - BROKER


def test_alerts_name_metrics_that_are_there() -> None:
    rules = [rule for group in documents(DEPLOY / "monitoring/alerts.yml")[0]["groups"] for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules) > 0
    assert unknown("\n".join(rule["expr"] for rule in rules)) == set()


def test_the_dashboard_names_metrics_that_are_there() -> None:
    panels = json.loads(text("deploy/monitoring/dashboard.json"))["panels"]

    expressions = "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    assert len(names_in(expressions)) > len(BROKER)
    assert unknown(expressions) == set()


def test_whatever_waits_in_the_write_service_is_on_the_dashboard() -> None:
    gauges = {family.name for family in WRITE.collect() if family.type == "gauge"}

    assert "registrar_write_suspects" in gauges
    assert gauges - names_in(text("deploy/monitoring/dashboard.json")) == set()


def test_a_metric_that_is_not_there_is_noticed() -> None:
    assert unknown("rate(registrar_write_commands_total[5m]) / registrar_write_wishes_total") == {
        "registrar_write_wishes_total"
    }
