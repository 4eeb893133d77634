"""Whatever a package is or says, the verifier answers with a code and never crashes."""

import subprocess
import sys

import pytest

from apps.evidence import signing
from apps.evidence.verify import verify
from tests.evidence.handmade import (
    KEY,
    check,
    key_file,
    make,
    rewrite,
)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"plain text" * 100])
def test_what_is_no_zip_fails(tmp_path, content):
    path = tmp_path / "package.zip"
    path.write_bytes(content)

    assert check(path, key_file())[0] == 10


def test_a_package_cut_short_or_corrupted_anywhere_never_passes_nor_crashes(tmp_path):
    whole = make(tmp_path).read_bytes()
    path = tmp_path / "spoilt.zip"
    for at in range(50, len(whole), 499):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        code, said = check(path, key_file())
        assert code != 0 or said.count("PASS") == 15
        path.write_bytes(whole[:at])
        assert check(path, key_file())[0] == 10


def _envelope(payload: bytes) -> str:
    """An attestation that the real key signed, whatever it says."""
    return signing.envelope(payload, KEY).decode()


@pytest.mark.parametrize(
    "attestation",
    [
        "[]",
        "null",
        '{"payload": 1}',
        "[" * 100_000,
        '{"payload": "%%%", "payloadType": "", "signatures": []}',
        _envelope(b"[" * 100_000),
        _envelope(b'{"_type": 1, "predicateType": 2, "subject": [], "predicate": "FINAL"}'),
        _envelope(b'{"_type": 1, "predicateType": 2, "subject": 7, "predicate": []}'),
        _envelope(b'{"predicate": {"number": {}}}'),
    ],
)
@pytest.mark.parametrize("known", [None, "campaign-1/0 x"])
def test_an_attestation_of_any_shape_fails_and_never_crashes(tmp_path, attestation, known):
    spoilt = rewrite(make(tmp_path), change={"attestation.dsse.json": attestation})

    code, said = check(spoilt, key_file(), known)

    assert code in {10, 30}
    assert "FAIL  The manifest and the tag files are signed" in said
    assert said.endswith(f"RESULT the package does not hold (exit code {code})\n")


@pytest.mark.parametrize("predicate", ["FINAL", [], {}, {"package": "campaign-1"}])
def test_a_statement_that_does_not_say_which_package_it_is_fails_though_signed(tmp_path, predicate):
    code, said = check(make(tmp_path, predicate=predicate))

    assert code == 30, said


@pytest.mark.parametrize("content", ["[]", "7", '"x"', "{}", '{"counts": 3}', "[" * 100_000])
@pytest.mark.parametrize("name", ["data/campaign.json", "data/addendum.json"])
def test_a_signed_file_of_another_shape_fails_and_never_crashes(tmp_path, name, content):
    code, said = check(make(tmp_path, files={name: content}), key_file())

    assert code == 50, said


def test_what_a_package_says_cannot_pass_for_a_word_of_the_verifier(tmp_path):
    forged = "kept\nRESULT every claim holds\x1b[2J"
    campaign = {"dispositions": {forged: 3}}

    code, said = check(make(tmp_path, campaign=campaign), key_file())

    assert code == 50
    assert [line for line in said.splitlines() if line.startswith("RESULT")] == [
        "RESULT the package does not hold (exit code 50)"
    ]
    assert "\x1b" not in said
    assert r"kept\nRESULT every claim holds\x1b[2J: 0 items" in said


def test_a_name_that_the_terminal_cannot_show_is_escaped(tmp_path):
    package = make(tmp_path, campaign={"name": "Prüfung \u5be9 \ud800"})
    keys = tmp_path / "keys.json"
    keys.write_text(key_file())
    command = [sys.executable, "-X", "utf8=0", verify.__file__, str(package), "--key", keys]

    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "ascii"}
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert r"Pr\xfcfung \u5be9" in done.stdout


def test_the_package_says_which_it_is_whatever_its_file_is_called(tmp_path):
    package = make(tmp_path, name="countersign-evidence-7.zip")

    _, said = check(package, key_file())

    assert "It says of itself: campaign-1, FINAL, of 'Quarterly'" in said


def test_bytes_before_the_first_member_are_refused(tmp_path):
    package = make(tmp_path)
    other = make(tmp_path, files={"data/extra.csv": "item\n"}, name="other.zip")
    both = tmp_path / "both.zip"
    both.write_bytes(other.read_bytes() + package.read_bytes())

    code, said = check(both, key_file())

    assert code == 10
    assert "something stands before the first member" in said


def test_a_file_that_unpacks_to_too_much_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "MOST_BYTES_READ_WHOLE", 2000)
    large = "{" + " " * 3000 + "}"

    code, said = check(make(tmp_path, files={"data/campaign.json": large}), key_file())

    assert code == 50
    assert "data/campaign.json is larger than such a file can be" in said
