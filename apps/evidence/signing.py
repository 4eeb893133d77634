"""Ed25519 signatures over a package, in the shapes others can read: DSSE and in-toto.

The private key lies in a file of its own, never in the database. Which public keys there are
and were, and from when until when, is the history in `apps.evidence.models.SigningKey`.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://countersign.dev/evidence/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
KEY_NAME = "countersign"
_ED25519 = b"\x01"


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
