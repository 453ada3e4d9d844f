"""The heartbeat in a broker's address wins over the services' own."""

from aio_pika.connection import make_url

from contracts.publisher import heartbeat


def asked(url: str) -> str:
    return make_url(url, **heartbeat(url)).query["heartbeat"]


def test_a_service_asks_for_its_own_heartbeat_unless_the_address_names_one() -> None:
    assert asked("amqp://user:word@host:5672/vhost") == "15"
    assert asked("amqp://user:word@host:5672/vhost?heartbeat=600") == "600"
