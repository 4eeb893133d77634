"""Signing a message as the Standard Webhooks specification says."""

import base64
import binascii
import hashlib
import hmac
import time

from apps.core.outbound import Refused

SERIALIZED = "whsec_"
LENGTHS = range(24, 65)


def signed_headers(identity: str, body: bytes, secret: str) -> dict[str, str]:
    """The three headers of the specification; without a secret, the signature is left out.

    `identity` is the same for every attempt, so that who receives it can drop one already seen.
    """
    moment = str(int(time.time()))
    headers = {"webhook-id": identity, "webhook-timestamp": moment}
    if secret:
        signed = f"{identity}.{moment}.".encode() + body
        digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def demand_serialized(secret: str) -> str:
    """The secret, if it is written as the specification says; `Refused` if not."""
    if not secret.startswith(SERIALIZED) or len(_key(secret)) not in LENGTHS:
        raise Refused("The secret is not whsec_ and 24 to 64 bytes in base64.")
    return secret


def _key(secret: str) -> bytes:
    """The bytes to sign with; a secret that is not written as the specification says is itself."""
    if not secret.startswith(SERIALIZED):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SERIALIZED), validate=True)
    except binascii.Error:
        raise Refused("The secret is not whsec_ and 24 to 64 bytes in base64.") from None
