"""What a pasted text is: by the shapes that providers give their keys, and nothing else.

The text is held in memory and goes nowhere. Only an id in it, or its digest, can be looked up;
`honest` says where neither can match.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.adapters.live import Clue

LONGEST = 64 * 1024
MOST_CLUES = 20
MOST_LEAVES = 2000
SECRET_NAMES = re.compile(r"secret|token|value|raw|credential|match|key", re.IGNORECASE)
WHERE_NAMES = re.compile(r"(html_)?url|source|file|path|commit|link", re.IGNORECASE)
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

AWS_ID = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")
AWS_BEDROCK = re.compile(r"\bABSK[A-Za-z0-9+/]{40,}={0,2}")
AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
GITHUB = re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b")
# The header's length is bounded: else a text made for it is read from each of its "eyJ" to its end.
JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
VAULT = re.compile(r"\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|[sb]\.[A-Za-z0-9]{24,26})(?![A-Za-z0-9])")
AZURE = re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])")
GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
DIGEST = re.compile(r"\b[0-9a-f]{64}\b", re.IGNORECASE)
CLAIMS = ("jti", "azp", "appid", "client_id", "oid", "sub", "kid")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was found in a text. `digests` are of the secrets in it, as fingerprints are kept."""

    clues: tuple[Clue, ...] = ()
    digests: tuple[str, ...] = ()
    where: str = ""
    honest: tuple[str, ...] = ()
    is_alert: bool = field(default=False)

    @property
    def ids(self) -> set[str]:
        return {clue.external_id for clue in self.clues if clue.external_id}


def recognise(text: str) -> Recognised:
    """Find what a text names: keys by their shape, an alert's secrets, a fingerprint, a bare id."""
    pasted = text.strip()[:LONGEST]
    alert = _alert(pasted)
    texts, where = _of_alert(alert) if alert is not None else ([pasted], "")
    clues = list(dict.fromkeys(clue for one in texts for clue in _clues(one)))[:MOST_CLUES]
    if not clues and alert is None and pasted and len(pasted) <= 300:
        clues = [Clue("id", external_id=pasted, secret=pasted)]
    secrets = {clue.secret for clue in clues if clue.secret}
    digests = {hashlib.sha256(secret.encode()).hexdigest() for secret in secrets}
    digests |= {found.lower() for one in texts for found in DIGEST.findall(one)}
    return Recognised(
        clues=tuple(clues),
        digests=tuple(sorted(digests)),
        where=where,
        honest=tuple(_honest(clues)),
        is_alert=alert is not None,
    )


def account_of_key(key_id: str) -> str:
    """The account number that an AWS key id carries; empty where it carries none.

    Ids made since 2019 hold it in their first bits (base32 after the prefix, shifted by one).
    """
    body = key_id[4:]
    if len(body) != 16 or set(body) - set(BASE32):
        return ""
    number = int.from_bytes(base64.b32decode(body)[:6]) & 0x7FFFFFFFFF80
    return f"{number >> 7:012d}"


def _alert(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_alert(alert: Any) -> tuple[list[str], str]:
    """The texts of an alert that may be secrets, and where it was found."""
    texts, where = [], ""
    for name, value in _leaves(alert):
        if WHERE_NAMES.fullmatch(name) and not where:
            where = value[:300]
        elif SECRET_NAMES.search(name):
            texts.append(value)
    return texts, where


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    waiting, seen = [(name, value)], 0
    while waiting and seen < MOST_LEAVES:
        name, one = waiting.pop(0)
        seen += 1
        if isinstance(one, dict):
            waiting += [(str(key), child) for key, child in one.items()]
        elif isinstance(one, list):
            waiting += [(name, child) for child in one]
        elif isinstance(one, str):
            yield name, _plain(one)


def _plain(text: str) -> str:
    """Without what JSON can escape, and neither a database nor a digest can take."""
    return text.encode(errors="replace").decode().replace("\x00", "")


def _clues(text: str) -> Iterator[Clue]:
    ids = AWS_ID.findall(text)
    secret = next(iter(AWS_SECRET.findall(text)), "")
    for key in ids:
        yield Clue("aws-key", external_id=key, account=account_of_key(key), secret=secret)
    if secret and not ids and not DIGEST.search(text):
        yield Clue("aws-secret", secret=secret)
    yield from (_bedrock(found) for found in AWS_BEDROCK.findall(text))
    yield from (Clue("github", secret=found) for found in GITHUB.findall(text))
    yield from (Clue("vault", secret=found) for found in VAULT.findall(text))
    yield from (Clue("azure", secret=found) for found in AZURE.findall(text))
    for token in JWT.findall(text):
        yield from _of_token(token)
    yield from (Clue("guid", external_id=found.lower()) for found in GUID.findall(text))


def _bedrock(found: str) -> Clue:
    """A long-term key of Bedrock names its user and account within."""
    try:
        told = base64.b64decode(found[4:] + "==").decode(errors="replace")
    except (binascii.Error, ValueError):
        told = ""
    user, _, _ = told.partition(":")
    account = re.search(r"-at-(\d{12})", user)
    return Clue(
        "aws-bedrock", external_id=user, account=account[1] if account else "", secret=found
    )


def _of_token(token: str) -> Iterator[Clue]:
    claims = {**_decoded(token.split(".", maxsplit=1)[0]), **_decoded(token.split(".")[1])}
    ids = [str(claims[name]) for name in CLAIMS if isinstance(claims.get(name), str)]
    issuer = str(claims.get("iss", ""))[:200]
    yield from (Clue("jwt", external_id=one[:300], account=issuer, secret=token) for one in ids)
    if not ids:
        yield Clue("jwt", account=issuer, secret=token)


def _decoded(part: str) -> dict[str, Any]:
    try:
        told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


_HONEST = {
    "aws-secret": "An AWS secret without its key id cannot be looked up anywhere: paste the id"
    " (AKIA...) as well.",
    "github": "A token of GitHub carries no id. It is found only where its fingerprint is known.",
    "vault": "A Vault token carries no accessor. It is found by asking Vault itself with it, or"
    " where its fingerprint is known.",
    "azure": "A client secret of Entra carries no id. Its first three characters narrow it down;"
    " they prove nothing.",
}


def _honest(clues: list[Clue]) -> Iterator[str]:
    kinds = {clue.kind for clue in clues if not clue.external_id}
    yield from (_HONEST[kind] for kind in sorted(kinds) if kind in _HONEST)
