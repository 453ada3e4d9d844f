"""The Kubernetes manifests agree with the services and with the images."""

from typing import Any

import pytest

from read_service.settings import Settings as ReadSettings
from read_service.settings import SetupSettings as ReadSetupSettings
from tests.unit.deploy.files import DEPLOY, documents, text
from write_service.settings import Settings as WriteSettings
from write_service.settings import SetupSettings

FOLDER = DEPLOY / "kubernetes"
OBJECTS = [one for path in sorted(FOLDER.glob("*.yaml")) for one in documents(path) if "metadata" in one]


def named(kind: str, name: str) -> dict[str, Any]:
    """The object of that kind and name."""
    (found,) = [one for one in OBJECTS if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def test_every_manifest_is_listed() -> None:
    (kustomization,) = documents(FOLDER / "kustomization.yaml")

    manifests = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == manifests


@pytest.mark.parametrize(
    ("secret", "required", "known"),
    [
        ("registrar-setup", SetupSettings, SetupSettings),
        ("registrar-write-service", WriteSettings, WriteSettings),
        ("registrar-read-service", ReadSettings, ReadSettings),
    ],
)
def test_secrets_hold_what_the_settings_require(secret: str, required: Any, known: Any) -> None:
    given = {key.removeprefix("REGISTRAR_").lower() for key in named("Secret", secret)["stringData"]}

    needed = {name for name, field in required.model_fields.items() if field.is_required()}
    assert needed <= given <= set(known.model_fields)


@pytest.mark.parametrize(("side", "bound"), [("write", "stop_within"), ("read", "stop_seconds")])
def test_a_deployment_asks_the_service_how_it_is_and_lets_it_finish(side: str, bound: str) -> None:
    pod = named("Deployment", f"{side}-service")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    port = container["ports"][0]["containerPort"]
    settings: Any = WriteSettings if side == "write" else ReadSettings

    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert f"REGISTRAR_HTTP_PORT={port}" in text("deploy/docker/Dockerfile")
    assert pod["terminationGracePeriodSeconds"] > settings.model_fields[bound].default
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]


@pytest.mark.parametrize("side", ["write", "read"])
def test_setup_runs_as_a_job_from_the_same_image_in_the_setups_role(side: str) -> None:
    (container,) = named("Job", f"{side}-setup")["spec"]["template"]["spec"]["containers"]

    assert (container["image"], container["args"]) == (f"registrar-{side}-service", ["setup"])
    assert container["envFrom"][-1] == {"secretRef": {"name": "registrar-setup"}}


@pytest.mark.parametrize(("side", "settings"), [("write", SetupSettings), ("read", ReadSetupSettings)])
def test_setup_is_given_all_that_it_needs(side: str, settings: Any) -> None:
    (container,) = named("Job", f"{side}-setup")["spec"]["template"]["spec"]["containers"]
    secrets = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
    given = {key.removeprefix("REGISTRAR_").lower() for name in secrets for key in named("Secret", name)["stringData"]}

    needed = {name for name, field in settings.model_fields.items() if field.is_required()}
    assert needed <= given
