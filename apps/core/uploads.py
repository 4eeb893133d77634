"""Where an uploaded file waits until it is read."""

import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile


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
