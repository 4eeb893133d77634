"""C2SP signed notes, and the checkpoints of logs that are written as such."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = b"\x01"
SIGNATURE = "\u2014 "  # an em dash and a space
LARGEST = 1_000_000


class NoteError(ValueError):
    """A note is not one, or is not signed by who it should be."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log of this origin was at a size. `extensions` are lines that others pass over."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def vkey(name: str, public: bytes) -> str:
    """A public key as one line: name, id, and type with key."""
    return f"{name}+{key_id(name, public).hex()}+{_encoded(ED25519 + public)}"


def vkey_parsed(line: str) -> tuple[str, bytes]:
    """The name and public key of such a line."""
    try:
        name, short, rest = line.split("+", 2)
        data = base64.b64decode(rest, validate=True)
    except ValueError as error:
        raise NoteError("The line is no verifier key.") from error
    if not is_name(name) or data[:1] != ED25519 or len(data) != 33:
        raise NoteError("The line is no Ed25519 verifier key.")
    if short != key_id(name, data[1:]).hex():
        raise NoteError("The key's id is not that of its name and bytes.")
    return name, data[1:]


def is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not re.search(r"\s", name)


def signed(text: str, *, name: str, key: Ed25519PrivateKey) -> str:
    """The text as a note, signed under this name. The same text and key give the same note."""
    if not is_name(name) or not text.endswith("\n"):
        raise NoteError("A note needs a name without spaces or +, and text that ends its line.")
    signature = key_id(name, public_bytes(key)) + key.sign(text.encode())
    return f"{text}\n{SIGNATURE}{name} {_encoded(signature)}\n"


def opened(note: str, *verifiers: str) -> str:
    """The text of a note that one of these keys at least signed; else `NoteError`.

    Signatures by others are passed over; one under a known key that does not hold refuses the
    whole note.
    """
    text, signatures = _taken_apart(note)
    known = {}
    for line in verifiers:
        name, public = vkey_parsed(line)
        known[name, key_id(name, public)] = public
    held = False
    for name, short, signature in signatures:
        if (name, short) in known:
            try:
                Ed25519PublicKey.from_public_bytes(known[name, short]).verify(
                    signature, text.encode()
                )
            except InvalidSignature as error:
                raise NoteError(f"The signature of {name} does not hold.") from error
            held = True
    if not held:
        raise NoteError("None of the known keys signed the note.")
    return text


def checkpoint_parsed(text: str) -> Checkpoint:
    """Read a checkpoint from the text of a note, which `opened` has checked."""
    origin, size, root, *extensions = [*text.removesuffix("\n").split("\n"), "", ""][
        : max(3, text.count("\n"))
    ]
    if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or "" in extensions:
        raise NoteError("The text is no checkpoint.")
    try:
        digest = base64.b64decode(root, validate=True)
    except binascii.Error as error:
        raise NoteError("The checkpoint's root is no base64.") from error
    if len(digest) != 32 or _encoded(digest) != root:
        raise NoteError("The checkpoint's root is no SHA-256.")
    return Checkpoint(origin, int(size), digest, tuple(extensions))


def _taken_apart(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    text, cut, lines = note.rpartition("\n\n")
    if len(note) > LARGEST or not cut or not lines.endswith("\n") or _has_control(note):
        raise NoteError("That is no signed note.")
    signatures = []
    for line in lines.removesuffix("\n").split("\n"):
        try:
            name, data = line.removeprefix(SIGNATURE).split(" ")
            raw = base64.b64decode(data, validate=True)
        except ValueError as error:
            raise NoteError("A line of the note is no signature.") from error
        if not line.startswith(SIGNATURE) or not is_name(name) or len(raw) < 5:
            raise NoteError("A line of the note is no signature.")
        signatures.append((name, raw[:4], raw[4:]))
    return f"{text}\n", signatures


def _has_control(note: str) -> bool:
    return any(ord(one) < 0x20 and one != "\n" for one in note)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
