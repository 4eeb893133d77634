"""A BagIt 1.0 bag (RFC 8493) in a zip, the same bytes by member for the same content.

Members are files in a working folder first, so that a large package takes disk and not
memory, and so that the manifest can be signed before anything is packed. Order, dates, and
permissions in the zip are fixed.
"""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
PAYLOAD = "data/"

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
CHUNK = 1024 * 1024

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


class Bag:
    """Members collected in one folder, which this bag has to itself."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def path(self, name: str) -> Path:
        """Where to write a member. Raises `ValueError` for a name that is not plain."""
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is not a plain member name.")
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, name: str, content: bytes) -> None:
        self.path(name).write_bytes(content)

    def names(self) -> list[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in files)

    def digest(self, name: str) -> str:
        with self.path(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def describe(self, info: Mapping[str, str]) -> None:
        """Write `bagit.txt` and `bag-info.txt`; the payload must be complete."""
        payload = [name for name in self.names() if name.startswith(PAYLOAD)]
        octets = sum(self.path(name).stat().st_size for name in payload)
        lines = {**info, "Payload-Oxum": f"{octets}.{len(payload)}"}
        self.add(BAGIT, DECLARATION)
        self.add(
            BAG_INFO,
            "".join(f"{key}: {_line(value)}\n" for key, value in lines.items()).encode(),
        )

    def list_payload(self) -> None:
        self._write_manifest(MANIFEST, (name for name in self.names() if name.startswith(PAYLOAD)))

    def list_tags(self) -> None:
        tags = (
            name for name in self.names() if not name.startswith(PAYLOAD) and name != TAG_MANIFEST
        )
        self._write_manifest(TAG_MANIFEST, tags)

    def pack(self, out: Path) -> None:
        """Write the zip beside `out`, then move it into place: there is never half a package."""
        with replaced(out) as partial, zipfile.ZipFile(partial, "w") as package:
            for name in self.names():
                self._pack_member(package, name)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_manifest(self, manifest: str, names: Iterable[str]) -> None:
        lines = [f"{self.digest(name)}  {name}\n" for name in names]
        self.add(manifest, "".join(lines).encode())

    def _pack_member(self, package: zipfile.ZipFile, name: str) -> None:
        member = zipfile.ZipInfo(name, FIXED_DATE)
        member.create_system = 3
        member.external_attr = 0o100644 << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        member.file_size = self.path(name).stat().st_size
        with self.path(name).open("rb") as source, package.open(member, "w") as target:
            shutil.copyfileobj(source, target, CHUNK)


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `out` at once if all went well."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        yield partial
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _line(value: str) -> str:
    return " ".join(value.split())
