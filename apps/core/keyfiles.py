"""Private Ed25519 keys in files of their own: read, and made once."""

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from apps.core.errors import DomainError


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
