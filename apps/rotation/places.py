"""Where a secret is kept, as a credential says it in words. Pure."""

import re
from dataclasses import dataclass

ARN = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:(\d{12}):secret:[\w/+=.@-]+")
VAULT = re.compile(r"vault:([\w-]+(?:/[\w.-]+)+)")
SHAPES = (
    "An ARN of Secrets Manager (arn:aws:secretsmanager:…), or vault: and the path of a KV engine of"
    " version 2 (vault:kv/crm/key)."
)


@dataclass(frozen=True, slots=True)
class PlaceName:
    """`kind` of the connection that writes there, the account it has to speak for (empty: the
    only one there is), and the place as its adapter calls it."""

    kind: str
    account: str
    where: str


def place_named(text: str) -> PlaceName | None:
    """Read a place; None where it is none that a connection can write to."""
    text = text.strip()
    if found := ARN.fullmatch(text):
        return PlaceName("aws", found[1], text)
    if found := VAULT.fullmatch(text):
        return PlaceName("vault", "", found[1])
    return None


def place_told(kind: str, where: str) -> str:
    """A place as a credential says it, by the kind of the connection that writes there."""
    return f"vault:{where}" if kind == "vault" else where
