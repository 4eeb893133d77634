"""Secrets by reference: what can be named, and that no message tells the secret."""

import os

import pytest
from django.core.exceptions import ValidationError

from apps.core.references import (
    MOST_BYTES,
    SHAPE,
    ReferenceRefused,
    reference_read,
    reference_validate,
)

SECRET = "hunter2-hunter2"


@pytest.fixture
def secrets(settings, tmp_path):
    directory = tmp_path / "secrets"
    directory.mkdir()
    settings.SECRETS_DIR = str(directory)
    return directory


def refusal(reference):
    with pytest.raises(ReferenceRefused) as refused:
        reference_read(reference)
    return str(refused.value)


def test_a_variable_is_read_when_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_SECRET_PAGER", f"{SECRET}\n")

    assert reference_read("env:COUNTERSIGN_SECRET_PAGER") == SECRET


def test_a_file_is_read_without_its_last_line_end(secrets):
    (secrets / "pager").write_text(f"{SECRET}\r\n")

    assert reference_read("file:pager") == SECRET


def test_a_file_in_a_folder_and_one_mounted_as_a_link_within_are_read(secrets):
    (secrets / "..2026").mkdir()
    (secrets / "..2026" / "pager").write_text(SECRET)
    (secrets / "pager").symlink_to("..2026/pager")
    (secrets / "team").mkdir()
    (secrets / "team" / "chat").write_text(f"{SECRET} too")

    assert reference_read("file:pager") == SECRET
    assert reference_read("file:team/chat") == f"{SECRET} too"


@pytest.mark.parametrize(
    "reference",
    [
        "",
        SECRET,
        "SECRET_KEY",
        "env:SECRET_KEY",
        "env:COUNTERSIGN_SECRET_",
        "env:COUNTERSIGN_SECRET_lower",
        "env:COUNTERSIGN_SECRET_A\n",
        "env:COUNTERSIGN_SECRETS_DIR",
        "file:",
        "file:..",
        "file:../secret",
        "file:team/../../secret",
        "file:./secret",
        "file:/etc/hostname",
        "file:team//chat",
        "file:a b",
        "file:\x00",
        f"file:{'a' * 200}",
        "https://hooks.example.com/secret",
    ],
)
def test_nothing_else_can_be_named_and_what_was_given_is_not_repeated(
    secrets, monkeypatch, reference
):
    (secrets.parent / "secret").write_text(SECRET)
    monkeypatch.setenv("SECRET_KEY", SECRET)

    assert refusal(reference) == SHAPE
    with pytest.raises(ValidationError) as invalid:
        reference_validate(reference)
    assert invalid.value.messages == [SHAPE]


@pytest.mark.parametrize("reference", ["env:COUNTERSIGN_SECRET_A1", "file:team/chat.key"])
def test_a_form_takes_a_reference_whether_or_not_something_lies_there(secrets, reference):
    reference_validate(reference)


def test_a_link_out_of_the_directory_is_refused(secrets):
    outside = secrets.parent / "outside"
    outside.mkdir()
    (outside / "key").write_text(SECRET)
    (secrets / "key").symlink_to(outside / "key")
    (secrets / "folder").symlink_to(outside)

    assert refusal("file:key") == "file:key leads out of the directory of secrets."
    assert refusal("file:folder/key") == "file:folder/key leads out of the directory of secrets."


def test_what_is_not_there_is_named(secrets, monkeypatch):
    monkeypatch.delenv("COUNTERSIGN_SECRET_NONE", raising=False)
    monkeypatch.setenv("COUNTERSIGN_SECRET_EMPTY", "")
    (secrets / "empty").write_text("\n")
    (secrets / "folder").mkdir()
    os.mkfifo(secrets / "pipe")

    assert "env:COUNTERSIGN_SECRET_NONE is not set" in refusal("env:COUNTERSIGN_SECRET_NONE")
    assert refusal("env:COUNTERSIGN_SECRET_EMPTY") == "env:COUNTERSIGN_SECRET_EMPTY is empty."
    assert refusal("file:empty") == "file:empty is empty."
    assert refusal("file:none") == "file:none cannot be read: No such file or directory."
    assert refusal("file:folder") == "file:folder cannot be read: Is a directory."
    assert refusal("file:pipe") == "file:pipe is not a file."


def test_without_a_directory_no_file_can_be_read(settings):
    settings.SECRETS_DIR = ""

    assert "COUNTERSIGN_SECRETS_DIR" in refusal("file:pager")


def test_what_is_too_long_or_no_text_is_refused_without_telling_it(secrets, monkeypatch):
    (secrets / "most").write_text("a" * MOST_BYTES)
    (secrets / "long").write_text("a" * (MOST_BYTES + 1))
    (secrets / "binary").write_bytes(SECRET.encode() + b"\xff")
    monkeypatch.setenv("COUNTERSIGN_SECRET_LONG", "a" * (MOST_BYTES + 1))

    assert len(reference_read("file:most")) == MOST_BYTES
    assert refusal("file:long") == "file:long is longer than 64 kB."
    assert refusal("env:COUNTERSIGN_SECRET_LONG").endswith("is longer than 64 kB.")
    with pytest.raises(ReferenceRefused) as refused:
        reference_read("file:binary")
    assert str(refused.value) == "file:binary is not text in UTF-8."
    assert refused.value.__suppress_context__
