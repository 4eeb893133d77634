"""How large an uploaded file may be."""

from collections.abc import Mapping
from typing import Any

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
