"""Ed25519 signatures over a package, in the shapes others can read: DSSE and in-toto.

The private key lies in a file of its own, never in the database. Which public keys there are
and were, and from when until when, is the history in `apps.evidence.models.SigningKey`.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from apps.core.errors import DomainError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://countersign.dev/evidence/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
KEY_NAME = "countersign"
_ED25519 = b"\x01"


def key_read(path: Path) -> Ed25519PrivateKey:
    """Read a private key from a PEM file. Raises `DomainError` with the reason if it cannot."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise DomainError(f"The signing key could not be read: {error.strerror}.") from error
    except (TypeError, ValueError) as error:
        raise DomainError("The signing key is not an unencrypted PEM private key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DomainError("The signing key is not an Ed25519 key.")
    return key


def key_write(path: Path) -> Ed25519PrivateKey:
    """Make a key at `path`, readable by its owner alone; whoever comes second reads the first's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return key_read(path)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()


def vkey(public: bytes) -> str:
    """Write a public key as C2SP signed notes do: name, short hash, and type with key."""
    short = hashlib.sha256(KEY_NAME.encode() + b"\n" + _ED25519 + public).hexdigest()[:8]
    return f"{KEY_NAME}+{short}+{base64.b64encode(_ED25519 + public).decode()}"


def statement(*, subjects: Mapping[str, str], predicate: Mapping[str, Any]) -> bytes:
    """An in-toto Statement v1 that says `predicate` of files known by their SHA-256."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


def envelope(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Sign a statement; returns a DSSE envelope."""
    signature = key.sign(pre_authentication(PAYLOAD_TYPE, payload))
    return canonical(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [
                {
                    "keyid": key_id(public_bytes(key)),
                    "sig": base64.b64encode(signature).decode(),
                }
            ],
        }
    )


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: type and payload, each after its length, so that neither runs over."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def canonical(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()
