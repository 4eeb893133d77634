"""Real bodies and logs, which lie beside the project, not in it: a clone may stand alone."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared/data"
CAPTURED = Path(__file__).parent / "fixtures/otlp"


def beside(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} does not lie beside the project.")
    return path


def body(name: str) -> bytes:
    return beside(f"otlp/{name}.pb").read_bytes()


def captured(name: str) -> bytes:
    """A body that lies in the project; its README says what sent it."""
    return (CAPTURED / f"{name}.pb").read_bytes()
