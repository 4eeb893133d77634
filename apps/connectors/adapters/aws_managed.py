"""Managed policies, packed until an identity uses them: an account may hold thousands."""

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.connectors.adapters.aws_catalogue import Catalogue
from apps.connectors.adapters.aws_policy import Origin, Statement, statements_of

USED_LATELY = 500


@dataclass(frozen=True, slots=True)
class Managed:
    """A managed policy's default version, or why it cannot be read."""

    arn: str
    name: str
    packed: bytes = b""
    path: str = ""
    problem: str = ""


def managed(document: Any, *, arn: str, name: str, known: Catalogue) -> Managed:
    """Judge a policy and keep its text. Raises `BadPolicy` if it cannot be read."""
    statements_of(document, origin=Origin(name, arn), known=known)
    return Managed(arn, name, zlib.compress(json.dumps(document).encode(), level=1))


@lru_cache(maxsize=USED_LATELY)
def statements_in(policy: Managed, known: Catalogue) -> tuple[Statement, ...]:
    """Read a policy again; what was used lately is at hand."""
    document = json.loads(zlib.decompress(policy.packed))
    return statements_of(document, origin=Origin(policy.name, policy.arn), known=known)
