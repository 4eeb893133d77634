"""Proof files: kept once by digest in the data directory, never under the name they came with."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Protocol

from django.conf import settings

from apps.core.errors import DomainError

MOST_BYTES = 10 * 1024 * 1024


class Upload(Protocol):
    name: str | None
    size: int | None

    def chunks(self) -> Iterable[bytes]: ...


def proof_path(sha256: str) -> Path:
    return Path(settings.DATA_DIR) / "proofs" / sha256


def proof_keep(upload: Upload) -> tuple[str, int]:
    """Store an uploaded file; returns its SHA-256 and size. Refuses more than 10 MB."""
    folder = Path(settings.DATA_DIR) / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, delete=False) as partial:
        try:
            sha256, size = _copy(upload, partial)
        except DomainError:
            Path(partial.name).unlink()
            raise
    Path(partial.name).replace(proof_path(sha256))
    return sha256, size


def _copy(upload: Upload, target: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in upload.chunks():
        size += len(chunk)
        if size > MOST_BYTES:
            raise DomainError("A proof file may have at most 10 MB.")
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest(), size
