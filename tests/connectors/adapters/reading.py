"""Read a file by its format, and find rows in what came out."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.adapters.contract import GrantRow, IdentityRow, Rejected, Row
from apps.connectors.adapters.formats import FORMATS
from apps.connectors.adapters.opening import Bounds, SourceFile

FIXTURES = Path(__file__).parents[1] / "fixtures"
ACCOUNT = Path(__file__).parents[4] / "shared/data/aws/account-authorization-details.json"


def real_account() -> Path:
    """A published account, which lies beside the project, not in it: a clone may stand alone."""
    if not ACCOUNT.exists():
        pytest.skip(f"{ACCOUNT.name} does not lie beside the project.")
    return ACCOUNT


def rows_of(path: Path, format_name: str, *, bounds: Bounds | None = None) -> list[Row]:
    return list(FORMATS[format_name].read(SourceFile(path, bounds=bounds), ""))


def rows_from(tmp_path: Path, text: str | bytes, format_name: str, name: str = "in") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(path, format_name)


def document(tmp_path: Path, content: Any, format_name: str) -> list[Row]:
    return rows_from(tmp_path, json.dumps(content), format_name)


def grants(rows: list[Row], name: str) -> dict[tuple[str, str], GrantRow]:
    return {
        (row.service, row.level): row
        for row in rows
        if isinstance(row, GrantRow) and row.identity.rpartition("/")[2] == name
    }


def identity(rows: list[Row], name: str) -> IdentityRow:
    return next(row for row in rows if isinstance(row, IdentityRow) and row.name == name)


def rejected(rows: list[Row]) -> list[Rejected]:
    return [row for row in rows if isinstance(row, Rejected)]
