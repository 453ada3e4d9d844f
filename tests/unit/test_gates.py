"""Every gate bites: violations are planted in a copy of the packages, and each is found by its own rule."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# File by file, an import that a rule forbids, and the rule.
PLANTS = {
    "write_service/entrypoints/relay.py": ("read_service.metrics", "The services meet only in contracts"),
    "contracts/tokens.py": ("asyncpg", "Contracts know no service, and no service's libraries"),
    "write_service/service_layer/relay.py": ("write_service.adapters.outbox", "Write service: layers"),
    "write_service/domain/company.py": ("pydantic", "The domain needs the standard library only"),
    "write_service/service_layer/batch.py": ("sqlalchemy", "The service layer knows no driver"),
    "read_service/adapters/generations.py": ("read_service.views.pages", "Read service: layers"),
    "read_service/views/companies.py": ("read_service.projections.companies", "Queries never touch projections"),
    "read_service/projections/engine.py": ("aio_pika", "Projections and their engine know no driver"),
    "read_service/views/documents.py": ("motor", "Three files import MongoDB's driver"),
}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / command[0]
    return subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the settings of the gates."""
    for package in ("contracts", "write_service", "read_service"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_rule_finds_what_breaks_it(copy: Path) -> None:
    for file, (module, _) in PLANTS.items():
        with (copy / file).open("a") as planted:
            planted.write(f"\nimport {module}\n")

    found = run(copy, "lint-imports", "--no-cache")

    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)", found.stdout, re.MULTILINE))
    assert found.returncode == 1
    assert {rule: verdicts.get(rule) for _, rule in PLANTS.values()} == {
        rule: "BROKEN" for _, rule in PLANTS.values()
    }, found.stdout


def test_lint_finds_what_is_wrong(copy: Path) -> None:
    (copy / "contracts/planted.py").write_text("import os\n\n\ndef f(x):\n    print(x)\n    assert x == None\n")
    found = run(copy, "ruff", "check", "--no-cache", "contracts")
    assert found.returncode == 1
    assert {rule for rule in ("F401", "E711") if rule in found.stdout} == {"F401", "E711"}


def test_formatting_finds_what_is_laid_out_otherwise(copy: Path) -> None:
    (copy / "contracts/planted.py").write_text("a = {'b':1}\n")
    assert run(copy, "ruff", "format", "--check", "--no-cache", "contracts").returncode == 1


def test_types_find_what_does_not_fit(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def untyped(x):\n    return x\n\n\ndef wrong() -> int:\n    return 'one'\n")
    found = run(
        tmp_path, "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path), str(planted)
    )
    assert found.returncode == 1
    assert {word for word in ("no-untyped-def", "return-value") if word in found.stdout} == {
        "no-untyped-def",
        "return-value",
    }
