"""What the write service promises holds while servers and replicas are killed, frozen and cut off."""

import asyncio
import os
import random
import signal
import time

import pytest

from tests.faults.books import balanced, well
from tests.faults.load import AT_ONCE, load, published
from tests.faults.system import QUICK, System, checks, metric
from tests.support.cutting import cutting_proxy
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.proxy import proxy_to

LONG = bool(os.environ.get("REGISTRAR_TEST_LONG"))


async def says(replica: Process, check: str, words: str, within: float = 10) -> None:
    """Wait until the replica says that it is not ready, and why; it lives all the same."""

    async def what_is_wrong() -> dict[str, str]:
        return await checks(replica)

    await eventually(what_is_wrong, until=lambda said: words in said.get(check, "?"), within=within, every=0.1)
    assert await asyncio.to_thread(replica.health, "/health/live") == 200


async def test_postgres_restarted_under_load(system: System) -> None:
    async with system.replicas(2) as replicas:
        async with load(system.amqp_url, senders=3) as sent:
            for how in (signal.SIGINT, signal.SIGQUIT):
                await sent.more(300)
                await system.stop("postgres", how)
                await system.start("postgres")
            await sent.more(300)
        await balanced(system, sent.confirmed, replicas, sent.replies)


@pytest.mark.timeout(240)
async def test_postgres_away_for_a_while(system: System) -> None:
    async with system.replicas(1) as (replica,):
        async with load(system.amqp_url) as sent:
            await sent.more(200)
            await system.stop("postgres", signal.SIGQUIT)
            began = time.monotonic()
            await says(replica, "postgres", "Connect")
            await sent.more(100)  # the broker takes commands all the same, and the service no more than its prefetch
            await eventually(time.monotonic, until=lambda now: now > began + (60 if LONG else 4), within=70)
            assert await metric(replica, "registrar_write_in_flight") == int(QUICK["REGISTRAR_PREFETCH"])
            await system.start("postgres")
        await balanced(system, sent.confirmed, [replica])


async def test_broker_restarted_under_load(system: System) -> None:
    async with system.replicas(2) as replicas:
        async with load(system.amqp_url, senders=3) as sent:
            for how in (signal.SIGTERM, signal.SIGKILL) if LONG else (signal.SIGKILL,):
                await sent.more(300)
                await system.stop("rabbitmq", how)
                await says(replicas[0], "publishing", "down")
                await system.start("rabbitmq")
                await sent.more(300)
        await balanced(system, sent.confirmed, replicas, sent.replies)


ALARMS = {
    "memory": (["set_vm_memory_high_watermark", "0"], ["set_vm_memory_high_watermark", "0.4"]),
    "disk": (["set_disk_free_limit", "5000GB"], ["set_disk_free_limit", "64MB"]),
}


@pytest.mark.parametrize("alarm", ["memory", *(["disk"] if LONG else [])])
async def test_broker_under_an_alarm(system: System, alarm: str) -> None:
    begin, end = ALARMS[alarm]
    async with system.replicas(1) as (replica,):
        replica.send(signal.SIGSTOP)
        sent = await published(system.amqp_url, 400)
        await system.control(*begin)
        try:
            replica.send(signal.SIGCONT)
            await says(replica, "publishing", "confirmed")
            async with system.owner() as database:
                assert await database.fetchval("SELECT count(*) FROM outbox") == 400
                assert await database.fetchval("SELECT count(*) FROM command_log") == 400
        finally:
            await system.control(*end)
        await balanced(system, sent, [replica])
        assert await metric(replica, 'registrar_write_published_total{by="sweep"}') == 400


async def test_connections_cut_in_the_middle_of_a_commit(system: System) -> None:
    port = system.stack.port("postgres")
    async with cutting_proxy(port) as (cutting, through):
        url = system.database.url.replace(f":{port}/", f":{through}/")
        async with system.replicas(1, REGISTRAR_POSTGRES_URL=url) as replicas:
            async with load(system.amqp_url, senders=3) as sent:
                # At the commit, and at what is written: of a lone company both.
                for word in (b"COMMIT;", b"company.") * 3:
                    await sent.more(50)
                    cutting.word, cutting.times = word, 1
                    await eventually(lambda: cutting.times == 0)
                await sent.more(50)
            await balanced(system, sent.confirmed, replicas, sent.replies)


@pytest.mark.timeout(300)
async def test_a_route_to_postgres_that_is_lost_without_a_word(system: System) -> None:
    port = system.stack.port("postgres")
    async with proxy_to(port) as proxy:
        url = system.database.url.replace(f":{port}/", f":{proxy.port}/")
        async with system.replicas(1, REGISTRAR_POSTGRES_URL=url) as replicas:
            async with load(system.amqp_url) as sent:
                for _ in range(20 if LONG else 2):  # whatever was under way, and whether or not it arrives late
                    await sent.more(100)
                    await eventually(lambda: checks(replicas[0]), until=lambda wrong: not wrong, within=20)
                    proxy.freeze()
                    await says(replicas[0], "postgres", "imeout")
                    await sent.more(50)
                    proxy.thaw()
            await balanced(system, sent.confirmed, replicas)


@pytest.mark.timeout(300)
async def test_connections_to_the_broker_that_are_lost(system: System) -> None:
    port = system.stack.port("rabbitmq")
    async with proxy_to(port) as proxy:
        url = system.amqp_url.replace(f":{port}/", f":{proxy.port}/")
        async with system.replicas(1, REGISTRAR_AMQP_URL=url) as replicas:
            async with load(system.amqp_url) as sent:
                for _ in range(20 if LONG else 3):
                    await sent.more(100)
                    proxy.cut()
                if LONG:  # heartbeats notice it, after half a minute
                    proxy.freeze()
                    await says(replicas[0], "commands", "not consumed", within=60)
                    proxy.thaw()
                await sent.more(100)
            await balanced(system, sent.confirmed, replicas)


@pytest.mark.timeout(600)
async def test_replicas_killed_at_random_moments(system: System) -> None:
    chance = random.Random(7)
    async with system.replicas(2) as replicas:
        async with load(system.amqp_url) as sent:
            for _ in range(40 if LONG else 2):
                await sent.more(chance.randrange(1, 150))
                victim = chance.choice(replicas)
                await victim.kill()
                await sent.more(chance.randrange(1, 50))
                await victim.start()
                await victim.ready()
            await sent.more(100)
        await balanced(system, sent.confirmed, replicas)


async def test_a_frozen_replica_keeps_nobody_waiting_and_goes_on(system: System) -> None:
    async with system.replicas(2) as (frozen, other), system.owner() as database:

        async def committed() -> int:
            return int(await database.fetchval("SELECT count(*) FROM command_log"))

        async with load(system.amqp_url) as sent:
            await sent.more(200)
            frozen.send(signal.SIGSTOP)
            # It may hold locks that the other one wants: Postgres ends its transaction before long.
            known, began = await committed(), time.monotonic()
            await sent.more(300)
            await eventually(committed, until=lambda now: now > known + 200, within=20, every=0.1)
            if LONG:  # until the broker gives up on it, and gives its messages to the other one
                await eventually(time.monotonic, until=lambda now: now > began + 50, within=60)
            frozen.send(signal.SIGCONT)
            await sent.more(100)
        await balanced(system, sent.confirmed, [frozen, other])


async def test_nothing_that_was_handled_comes_again_after_a_stop_under_load(system: System) -> None:
    async with system.replicas(1) as (replica,), system.owner() as database:
        async with load(system.amqp_url) as sent:
            await sent.more(300)
            assert await replica.stop() == 0
            await sent.more(50)
        left = await system.delivered_before()
        handled = await database.fetchval("SELECT count(*) FROM command_log WHERE id = ANY($1::uuid[])", [*left])
        assert (handled, await database.fetchval("SELECT count(*) FROM outbox")) == (0, 0)
        # RabbitMQ itself gives back what is on its way from a quorum queue to a consumer that is being cancelled.
        assert sum(left.values()) <= AT_ONCE
        await replica.start()
        await replica.ready()
        await balanced(system, sent.confirmed, [replica])


TROUBLES = {
    "a right is revoked": (
        "REVOKE INSERT ON events FROM registrar_service",
        "GRANT INSERT ON events TO registrar_service",
        "permission denied",
    ),
    "the disk is full": (
        """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'could not extend file: no space left' USING ERRCODE = '53100'; END $$;
           CREATE TRIGGER full_disk BEFORE INSERT ON command_log FOR EACH ROW EXECUTE FUNCTION full_disk()""",
        "DROP TRIGGER full_disk ON command_log",
        "no space left",
    ),
    "the table is gone": (
        "ALTER TABLE outbox RENAME TO outbox_elsewhere",
        "ALTER TABLE outbox_elsewhere RENAME TO outbox",
        "outbox",
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES if LONG else [*TROUBLES][:2])
async def test_what_is_nobodys_fault_accuses_nobody(system: System, trouble: str) -> None:
    begin, end, words = TROUBLES[trouble]
    async with system.replicas(1) as (replica,), system.owner() as database:
        async with load(system.amqp_url) as sent:
            await sent.more(50)
            await database.execute(begin)
            await says(replica, "postgres", words)
            await sent.more(50)
            await database.execute(end)
        await balanced(system, sent.confirmed, [replica])


async def test_a_failover_to_a_server_that_takes_no_writes(system: System) -> None:
    name = system.database.name
    async with system.replicas(1) as (replica,), system.admin() as admin:
        async with load(system.amqp_url) as sent:
            await sent.more(50)
            await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            await says(replica, "postgres", "read")
            await sent.more(50)
            await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await balanced(system, sent.confirmed, [replica])


async def test_a_replica_without_work_is_well(system: System) -> None:
    async with system.replicas(1) as (replica,):
        await well(replica)
