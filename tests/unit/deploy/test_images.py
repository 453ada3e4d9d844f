"""The images, their stand-ins, and the scripts around them."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.deploy.files import ROOT, compose, text


def test_images_are_built_from_what_is_there() -> None:
    recipe = text("deploy/docker/Dockerfile")

    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE)
    allowed = [Path(line[1:].replace("*.txt", "")) for line in text(".dockerignore").splitlines() if line[:1] == "!"]
    for path in (Path(part) for line in copied for part in line.split()):
        assert (ROOT / path).exists(), path
        assert any(path.is_relative_to(one) for one in allowed), path


def test_each_image_installs_its_own_hashed_lock_only() -> None:
    recipe = text("deploy/docker/Dockerfile")

    installs = re.findall(r"^RUN pip install (.+)$", recipe, re.MULTILINE)
    from_index = [line for line in installs if "--no-index" not in line]
    assert from_index == [f"--require-hashes -r /tmp/{lock}.txt" for lock in ("build", "write", "read", "client")]
    assert not re.search(r"https?://(?!127\.0\.0\.1)", recipe)


@pytest.mark.parametrize("target", ["write-service", "read-service"])
def test_the_service_is_the_first_process_unprivileged_and_watched(target: str) -> None:
    stage = text("deploy/docker/Dockerfile").split(f"FROM base AS {target}\n")[1].split("\nFROM ")[0]

    assert f'ENTRYPOINT ["{target}"]' in stage
    assert "USER 10001:10001" in stage
    assert "/health/ready" in stage.split("HEALTHCHECK")[1]


def test_every_image_from_elsewhere_has_a_stand_in() -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", text("deploy/docker/Dockerfile"), re.MULTILINE)
    servers = [compose()["services"][server]["image"] for server in ("rabbitmq", "postgres", "mongo")]
    debian = re.findall(r"debian:\S+", text("deploy/docker/newer.sh"))

    made = re.findall(r"^import \w+ (\S+)", text("deploy/docker/standins.sh"), re.MULTILINE)
    assert {*bases, *servers, *debian} == set(made)


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_can_be_read(script: Path) -> None:
    said = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False, timeout=30)

    assert (said.returncode, said.stderr) == (0, "")
