"""Where an uploaded file waits, and how large it may be."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from apps.connectors.adapters.opening import MEGABYTE, Bounds

LARGEST = Bounds().raw
# The parts of the form around the file.
AROUND = MEGABYTE
TOO_LARGE = f"The file is larger than {LARGEST // MEGABYTE} MB; use manage.py inventory_import."


class BoundedUploadHandler(FileUploadHandler):
    """Drop a body that says it is too large before a byte of a file reaches the disk."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Mapping[str, Any],  # noqa: N803
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.is_too_large = content_length > LARGEST + AROUND

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.is_too_large:
            if self.request is not None:
                self.request.upload_refused = TOO_LARGE  # type: ignore[attr-defined]
            raise StopUpload(connection_reset=False)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def upload_keep(upload: UploadedFile) -> Path:
    """Write an upload into the data directory, under a name of our own; return where."""
    directory = Path(settings.DATA_DIR) / "uploads"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / str(uuid.uuid4())
    with path.open("xb") as kept:
        path.chmod(0o600)
        for chunk in upload.chunks():
            kept.write(chunk)
    return path


def upload_delete(path: str) -> None:
    """Delete an upload that has been read. Files elsewhere are not ours to delete."""
    held = Path(path)
    if path and held.parent == Path(settings.DATA_DIR) / "uploads":
        held.unlink(missing_ok=True)
