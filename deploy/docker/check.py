"""Sends commands to the system in containers and reads them back, knowing nothing but the wire contract."""

import asyncio
import json
import os
import sys
import urllib.parse
import urllib.request
import uuid
from typing import Any

import aio_pika

SECONDS = 30
READ_SERVICE = "http://read-service:8080"
# Where metrics are, and the ones without which alerts would be silent.
METRICS = {
    "http://write-service:8081/metrics": ["registrar_write_commands_total", "registrar_write_outbox_oldest_seconds"],
    f"{READ_SERVICE}/metrics": ["registrar_read_events_total", "registrar_read_gaps_unrepairable"],
    "http://rabbitmq:15692/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count&vhost=registrar": [
        'rabbitmq_detailed_queue_messages{vhost="registrar",queue="write_service.commands"}',
        'rabbitmq_detailed_queue_consumers{vhost="registrar",queue="read_service.events.g1"}',
    ],
}


def command(kind: str, company_id: str, **data: Any) -> dict[str, Any]:
    """A command as it crosses the bus."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/deploy/docker/check",
        "type": kind,
        "subject": company_id,
        "data": data,
    }


async def call(channel: aio_pika.abc.AbstractChannel, exchange: str, key: str, body: Any, content_type: str) -> Any:
    """Publish a message that wants an answer, and wait for it."""
    answers = await channel.declare_queue(exclusive=True)
    to = await channel.get_exchange(exchange, ensure=False)
    message = aio_pika.Message(
        json.dumps(body).encode(),
        content_type=content_type,
        message_id=str(uuid.uuid4()),
        correlation_id=str(uuid.uuid4()),
        type=key,
        reply_to=answers.name,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    await to.publish(message, key, mandatory=True, timeout=SECONDS)
    async with asyncio.timeout(SECONDS), answers.iterator(no_ack=True) as incoming:
        return json.loads((await anext(incoming)).body)


def fetched(address: str) -> str:
    """What is answered over HTTP to one who has the key."""
    request = urllib.request.Request(address, headers={"X-API-Key": os.environ["HTTP_API_KEY"]})  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - the address is our own
        return str(answer.read().decode())


def over_http(path: str, **parameters: str) -> Any:
    """What the read service answers over HTTP."""
    return json.loads(fetched(f"{READ_SERVICE}{path}?{urllib.parse.urlencode(parameters)}"))


def missing_metrics() -> list[str]:
    """The metrics that are not where Prometheus would look for them."""
    pages = {address: fetched(address) for address in METRICS}
    return [name for address, names in METRICS.items() for name in names if name not in pages[address]]


async def main() -> int:
    """Register, add an owner and activate in one batch; read over HTTP and over the bus. 0 when all of it was seen."""
    company_id = str(uuid.uuid4())
    batch = [
        command("company.register.v1", company_id, name=f"Check {company_id}", seat_limit=3),
        command(
            "user.add.v1",
            company_id,
            user_id=str(uuid.uuid4()),
            email="owner@example.org",
            full_name="First Owner",
            role="owner",
        ),
        command("company.activate.v1", company_id),
    ]
    connection = await aio_pika.connect(os.environ["REGISTRAR_AMQP_URL"], timeout=SECONDS)
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        replies = await call(channel, "commands", "batch.v1", batch, "application/cloudevents-batch+json")
        print([reply["status"] for reply in replies])
        token = replies[-1]["token"]
        again = await call(channel, "commands", "batch.v1", batch, "application/cloudevents-batch+json")
        print("repeated:", [reply.get("repeated") for reply in again])
        question = {"company_id": company_id, "after": token, "wait_ms": 10_000}
        bus = await call(channel, "queries", "company.get.v1", question, "application/json")
    http = await asyncio.to_thread(over_http, f"/companies/{company_id}", after=token, wait_ms="10000")
    print("bus:", bus)
    print("HTTP:", http)
    missing = await asyncio.to_thread(missing_metrics)
    print("missing metrics:", missing)
    seen = (bus["result"]["status"], bus["result"]["version"], http["status"], http["version"])
    return 0 if seen == ("active", 3, "active", 3) and not missing else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
