import gzip
import hashlib
import io
import zipfile

import pytest

from apps.connectors.adapters.contract import UnreadableSource
from apps.connectors.adapters.opening import Bounds, SourceFile

SMALL = Bounds(raw=1_000_000, unpacked=2_000_000, ratio=100, judged_from=100_000)


def written(tmp_path, content, name="export.json"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def zipped(*members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return held.getvalue()


def text_of(path, bounds=SMALL):
    with SourceFile(path, bounds=bounds).open() as stream:
        return stream.read()


@pytest.mark.parametrize(
    "packed",
    [b"hello", gzip.compress(b"hello"), zipped(("a.json", b"hello"))],
    ids=["plain", "gzip", "zip"],
)
def test_plain_gzip_and_zip_give_the_same_bytes(tmp_path, packed):
    assert text_of(written(tmp_path, packed)) == b"hello"


def test_the_digest_is_of_the_raw_file(tmp_path):
    packed = gzip.compress(b"hello")

    assert SourceFile(written(tmp_path, packed)).sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"x" * 1_000_001, "has 977 kB; at most 977 kB are read"),
        ("ü".encode("utf-16"), "UTF-16"),
        (b"BZh91AY", "Only plain, .gz, and .zip"),
        (zipped(("a", b"1"), ("b", b"2")), "holds 2 files"),
        (zipped(), "holds 0 files"),
        (zipped(("a", b"0" * 2_000_001)), "unpacks to"),
        (gzip.compress(b"0" * 2_000_001), "more than 100 times|unpacks to more than"),
        (gzip.compress(b"0" * 500_000), "looks like a zip bomb"),
        (zipped(("a", b"0" * 500_000)), "looks like a zip bomb"),
        (gzip.compress(b"hello" * 9000)[:-30], "archive is damaged"),
        (b"PK\x03\x04 and nothing more", "archive is damaged"),
    ],
    # Archives carry the time they were made at; names of tests may not.
    ids=range(12),
)
def test_what_is_refused(tmp_path, content, reason):
    with pytest.raises(UnreadableSource, match=reason):
        text_of(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableSource, match=r"nothing\.json: There is no such file"):
        SourceFile(tmp_path / "nothing.json")
