"""What a process of the service loads: nothing that only another of its commands needs."""

import subprocess
import sys

_LOADED = "import sys, write_service.__main__; print(*sys.modules)"


def test_only_setup_loads_the_migrations() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True, timeout=60)

    assert not {"alembic", "mako"} & set(loaded.stdout.split())
