"""What an approval is bound to, and when two requests ask for the same."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any


def approval_digest(
    *,
    design: str,
    identity_id: int,
    service: str,
    level: str,
    actions: Sequence[str],
    resources: Sequence[str],
    days: int | None,
) -> str:
    """SHA-256 over the agent's design fingerprint, the permission, its scope, and its duration."""
    return _sha256(
        {
            "design": design,
            "identity": identity_id,
            "service": service,
            "level": level,
            "actions": sorted(actions),
            "resources": sorted(resources),
            "days": days,
        }
    )


def scope_digest(
    *,
    agent_id: int,
    identity_id: int,
    service: str,
    level: str,
    actions: Sequence[str],
    resources: Sequence[str],
) -> str:
    """The same for every request that asks for the same access, however it is worded."""
    return _sha256(
        {
            "agent": agent_id,
            "identity": identity_id,
            "service": service,
            "level": level,
            "actions": sorted(actions),
            "resources": sorted(resources),
        }
    )


def _sha256(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
