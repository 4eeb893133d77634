import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.proof import notes
from apps.proof.notes import Checkpoint, NoteError

# The example of golang.org/x/mod/sumdb/note: its keys, its text, and the note they make.
PEER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PEER_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn\
NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
ROOT = bytes(range(32))
NAME = "example.com/governance"


@pytest.fixture
def key():
    return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


@pytest.fixture
def verifier(key):
    return notes.vkey(NAME, notes.public_bytes(key))


def test_the_published_note_opens_with_its_published_key():
    text = notes.opened(PEER_NOTE, PEER_VKEY)

    assert text == PEER_NOTE.partition("\n\n")[0] + "\n"


def test_a_verifier_key_is_written_as_published():
    name, public = notes.vkey_parsed(PEER_VKEY)

    assert name == "PeterNeumann"
    assert notes.vkey(name, public) == PEER_VKEY


def test_a_checkpoint_comes_back_as_it_was_signed(key, verifier):
    told = Checkpoint(NAME, 20852163, ROOT, ("signed 2026-11-29T06:00:00Z",))

    note = notes.signed(told.text(), name=NAME, key=key)

    assert note.startswith(f"{NAME}\n20852163\n{base64.b64encode(ROOT).decode()}\nsigned ")
    assert notes.checkpoint_parsed(notes.opened(note, verifier)) == told
    assert notes.signed(told.text(), name=NAME, key=key) == note


def test_a_changed_text_is_refused(key, verifier):
    note = notes.signed(Checkpoint(NAME, 5, ROOT).text(), name=NAME, key=key)

    with pytest.raises(NoteError, match="does not hold"):
        notes.opened(note.replace("\n5\n", "\n6\n"), verifier)


def test_a_note_of_another_key_is_refused(verifier):
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    note = notes.signed(Checkpoint(NAME, 5, ROOT).text(), name=NAME, key=other)

    with pytest.raises(NoteError, match="None of the known keys"):
        notes.opened(note, verifier)


def test_signatures_of_others_are_passed_over(key, verifier):
    note = notes.signed(Checkpoint(NAME, 5, ROOT).text(), name=NAME, key=key)
    witness = base64.b64encode(b"\0\1\2\3" + b"\4" * 72).decode()

    assert notes.opened(f"{note}\u2014 witness.example/w1 {witness}\n", verifier)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash name AAAA\n",
        "text\n\n\u2014 a+b AAAAAAAAAA==\n",
        "text\n\n\u2014 name AAAA\n",
        "te\rxt\n\n\u2014 name AAAAAAAAAA==\n",
    ],
)
def test_what_is_no_note_is_refused(note, verifier):
    with pytest.raises(NoteError):
        notes.opened(note, verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n",
        "origin\n1\n",
        "origin\n01\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "\n1\n" + base64.b64encode(ROOT).decode() + "\n",
        "origin\n1\n" + base64.b64encode(ROOT[:31]).decode() + "\n",
        "origin\n1\n!!!\n",
        "origin\n1\n" + base64.b64encode(ROOT).decode() + "\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteError):
        notes.checkpoint_parsed(text)
