"""The key that signs packages: made once, rotated by hand, its history kept and published."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.keyfiles import key_read, key_write
from apps.evidence.content.files import utc
from apps.evidence.models import SigningKey
from apps.evidence.signing import key_id, public_bytes, vkey
from apps.proof.selectors import logs_published


def key_path() -> Path:
    """Where the private key lies: named by the environment, else in the data directory."""
    return Path(settings.EVIDENCE_KEY_FILE or Path(settings.DATA_DIR) / "keys" / "evidence.pem")


@transaction.atomic
def signing_key_ensure(*, actor: Actor) -> Ed25519PrivateKey:
    """Return the key that signs now; make it, and enter it in the history, on first use.

    A key file exchanged by hand is a rotation too: the history notes it.
    """
    path = key_path()
    key = key_read(path) if settings.EVIDENCE_KEY_FILE or path.exists() else key_write(path)
    _enter(key, actor=actor, reason="The key file is in use.")
    return key


@transaction.atomic
def signing_key_rotate(*, reason: str, compromised: bool, actor: Actor) -> SigningKey:
    """Make a new key and retire the one before; `compromised` withdraws what it signed.

    The file of the old key is kept beside the new one, named by its id, unless it is
    compromised. A key that the environment names is rotated by exchanging that file.
    """
    if settings.EVIDENCE_KEY_FILE:
        raise DomainError(
            "The environment names the key file; put another key there, and it is taken up."
        )
    path = key_path()
    before = SigningKey.objects.select_for_update().filter(valid_until__isnull=True).first()
    if path.exists():
        old = key_id(public_bytes(key_read(path)))
        path.replace(path.with_name(f"evidence-{old[:16]}.pem"))
    entered = _enter(key_write(path), actor=actor, reason=reason)
    if compromised and before is not None:
        before.refresh_from_db()
        before.withdrawn_at, before.reason = timezone.now(), reason
        before.save(update_fields=["withdrawn_at", "reason"])
    return entered


def _enter(key: Ed25519PrivateKey, *, actor: Actor, reason: str) -> SigningKey:
    public = public_bytes(key)
    current = SigningKey.objects.select_for_update().filter(valid_until__isnull=True).first()
    if current is not None and current.key_id == key_id(public):
        return current
    now = timezone.now().replace(microsecond=0)
    if SigningKey.objects.filter(key_id=key_id(public)).exists():
        raise DomainError("This signing key was retired before, and may not sign again.")
    if current is not None:
        current.valid_until = now
        current.save(update_fields=["valid_until"])
    entered = SigningKey.objects.create(
        public=base64.b64encode(public).decode(), key_id=key_id(public), valid_from=now
    )
    record(
        actor=actor,
        verb=Verb.SIGNING_KEY_ROTATED,
        target=entered,
        changes={"key": (current.key_id if current else None, entered.key_id)},
        reason=reason,
    )
    return entered


def keys_published() -> dict[str, Any]:
    """Every public key of this Countersign, past and present, as the verifier takes it.

    `logs` are the verifier keys of the logs' checkpoints, as C2SP signed notes have them.
    """
    return {
        "format": "countersign-keys/1",
        "use": "python3 countersign-verify.py PACKAGE.zip --key countersign-log.json",
        "keys": [_published(key) for key in SigningKey.objects.all()],
        "logs": logs_published(),
    }


def _published(key: SigningKey) -> dict[str, Any]:
    return {
        "keyid": key.key_id,
        "algorithm": "ed25519",
        "public_key": key.public,
        "vkey": vkey(base64.b64decode(key.public)),
        "valid_from": utc(key.valid_from),
        "valid_until": utc(key.valid_until + timedelta(seconds=1)) if key.valid_until else None,
        "withdrawn": key.withdrawn_at is not None,
    }


def vkeys_text() -> bytes:
    """The same history in the form that lies in a package: one key a line."""
    lines = ["# vkey, valid from, valid until, and `withdrawn` where it may not be trusted"]
    for key in keys_published()["keys"]:
        line = f"{key['vkey']} {key['valid_from']} {key['valid_until'] or '-'}"
        lines.append(line + (" withdrawn" if key["withdrawn"] else ""))
    return ("\n".join(lines) + "\n").encode()
