"""The compose file agrees with the settings of the services and can be scaled."""

import re
import subprocess

import pytest

from read_service import settings as read
from tests.unit.deploy.files import ROOT, compose, compose_variables
from write_service import settings as write

PROGRAMS = ("write-setup", "read-setup", "write-service", "read-service")
SERVERS = ("rabbitmq", "postgres", "mongo")
KNOWN = {
    "write-setup": set(write.SetupSettings.model_fields),
    "write-service": set(write.Settings.model_fields),
    "read-setup": set(read.SetupSettings.model_fields),
    "read-service": set(read.Settings.model_fields),
}


def environment(service: str) -> dict[str, str]:
    """What compose sets for a service, where nobody says otherwise."""
    given: dict[str, str] = compose()["services"][service]["environment"]
    return given


@pytest.mark.parametrize("service", PROGRAMS)
def test_every_variable_is_one_that_the_service_reads(service: str) -> None:
    names = {name.removeprefix("REGISTRAR_").lower() for name in environment(service)}

    assert names - KNOWN[service] == set()


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("write-setup", write.SetupSettings),
        ("write-service", write.Settings),
        ("read-setup", read.SetupSettings),
        ("read-service", read.Settings),
    ],
)
def test_the_settings_load_from_the_defaults(
    service: str,
    kind: type[write.Settings | write.SetupSettings | read.Settings | read.SetupSettings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment(service).items():
        monkeypatch.setenv(name, value)

    loaded = kind()

    assert loaded.amqp_url == environment(service)["REGISTRAR_AMQP_URL"]


def test_services_run_in_roles_of_their_own() -> None:
    roles = {
        (service, name): re.findall(r"//(\w+):", value)[0]
        for service in PROGRAMS
        for name, value in environment(service).items()
        if name.endswith("_URL")
    }

    assert roles == {
        ("write-setup", "REGISTRAR_AMQP_URL"): "setup",
        ("write-setup", "REGISTRAR_POSTGRES_SETUP_URL"): "registrar_setup",
        ("write-service", "REGISTRAR_AMQP_URL"): "write_service",
        ("write-service", "REGISTRAR_POSTGRES_URL"): "registrar_service",
        ("read-setup", "REGISTRAR_AMQP_URL"): "setup",
        ("read-setup", "REGISTRAR_MONGO_URL"): "projector",
        ("read-service", "REGISTRAR_AMQP_URL"): "read_service",
        ("read-service", "REGISTRAR_MONGO_URL"): "projector",
        ("read-service", "REGISTRAR_MONGO_VIEWS_URL"): "views",
    }


@pytest.mark.parametrize("service", ["write-service", "read-service"])
def test_services_can_be_scaled(service: str) -> None:
    described = compose()["services"][service]

    fixed = [port for port in described.get("ports", []) if not re.fullmatch(r"127\.0\.0\.1:\d+-\d+:\d+", port)]
    assert (fixed, "container_name" in described, "hostname" in described) == ([], False, False)


def test_ports_are_open_to_this_machine_only() -> None:
    published = [port for one in compose()["services"].values() for port in one.get("ports", [])]

    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", SERVERS)
def test_servers_are_pinned_watched_and_kept(service: str) -> None:
    described = compose()["services"][service]

    assert re.fullmatch(r"[a-z]+:\d+(-management)?", described["image"])
    assert described["healthcheck"]["test"][0] == "CMD"
    assert described["restart"] == "unless-stopped"
    assert any(mount.startswith(f"{service}:/") for mount in described["volumes"])


@pytest.mark.parametrize("side", ["write", "read"])
def test_a_service_waits_for_its_setup_and_that_for_the_servers(side: str) -> None:
    services = compose()["services"]

    assert services[f"{side}-service"]["depends_on"] == {
        f"{side}-setup": {"condition": "service_completed_successfully"}
    }
    assert services[f"{side}-setup"]["depends_on"]["rabbitmq"] == {"condition": "service_healthy"}


def test_a_stop_may_last_longer_than_the_services_own_bound() -> None:
    services = compose()["services"]

    grace = {side: int(services[f"{side}-service"]["stop_grace_period"].rstrip("s")) for side in ("write", "read")}
    assert grace["write"] > write.Settings.model_fields["stop_within"].default
    assert grace["read"] > read.Settings.model_fields["stop_seconds"].default


def test_programs_have_no_more_rights_than_they_need() -> None:
    for service in (*PROGRAMS, "cli"):
        described = compose()["services"][service]
        assert (described["read_only"], described["cap_drop"]) == (True, ["ALL"]), service


def test_every_password_can_be_made_anew() -> None:
    made = subprocess.run(
        ["sh", ROOT / "deploy/docker/passwords.sh"], capture_output=True, text=True, check=True, timeout=30
    ).stdout

    pairs = dict(line.split("=") for line in made.splitlines() if not line.startswith("#"))
    secrets = {name for name in compose_variables() if name.endswith(("_PASSWORD", "_SHA256"))}
    assert set(pairs) - {"HTTP_API_KEY"} == secrets
    assert len(set(pairs.values())) == len(pairs)
    assert all(re.fullmatch(r"[0-9a-f]{48,64}", value) for value in pairs.values())


def test_files_that_are_mounted_are_there() -> None:
    mounts = [m.split(":")[0] for one in compose()["services"].values() for m in one.get("volumes", [])]

    assert [path for path in mounts if path.startswith("./") and not (ROOT / path).exists()] == []
