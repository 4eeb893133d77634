import stat
import zipfile

import bagit
import pytest

from apps.core import keyfiles
from apps.core.errors import DomainError
from apps.evidence import signing
from apps.evidence.bag import Bag
from tests.evidence.handmade import make


@pytest.mark.filterwarnings("ignore:.count. is passed as positional:DeprecationWarning")
def test_archivists_tools_validate_the_bag(tmp_path):
    with zipfile.ZipFile(make(tmp_path)) as package:
        package.extractall(tmp_path / "bag")

    assert bagit.Bag(str(tmp_path / "bag")).validate()


def test_the_same_content_gives_the_same_bytes(tmp_path):
    first, second = make(tmp_path, name="a.zip"), make(tmp_path, name="b.zip")

    assert first.read_bytes() == second.read_bytes()


def test_members_are_sorted_and_dated_1980(tmp_path):
    with zipfile.ZipFile(make(tmp_path)) as package:
        members = package.infolist()

    assert [member.filename for member in members] == sorted(m.filename for m in members)
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {0o100644}


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "a b", "a\nb", ".hidden", "data/é"])
def test_a_bag_takes_plain_names_alone(tmp_path, name):
    with pytest.raises(ValueError, match="not a plain member name"):
        Bag(tmp_path / "work").add(name, b"")


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "keys" / "evidence.pem"

    first, second = keyfiles.key_write(path), keyfiles.key_write(path)

    assert signing.public_bytes(first) == signing.public_bytes(second)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["evidence.pem"]


def test_what_is_no_ed25519_key_is_refused_with_its_reason(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("nonsense")

    with pytest.raises(DomainError, match="not an unencrypted PEM private key"):
        keyfiles.key_read(path)
    with pytest.raises(DomainError, match="could not be read"):
        keyfiles.key_read(tmp_path / "absent.pem")
