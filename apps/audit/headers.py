"""An entry as the bytes that are hashed: canonical JSON, on one line."""

import json
from datetime import UTC

from django.core.serializers.json import DjangoJSONEncoder

from apps.audit.models import AuditEntry

GOVERNANCE = "governance"


def header_of(entry: AuditEntry) -> str:
    """Everything an entry says, read from the database; the same row gives the same bytes."""
    told = {
        "v": 1,
        "entry": entry.pk,
        "occurred_at": f"{entry.occurred_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "xact": entry.xact_id,
        "actor": entry.actor_id,
        "actor_label": entry.actor_label,
        "channel": entry.channel,
        "verb": entry.verb,
        "target_type": entry.target_type,
        "target_id": entry.target_id,
        "target_label": entry.target_label,
        "changes": entry.changes,
        "reason": entry.reason,
        "request": entry.request_id,
    }
    return json.dumps(
        told, cls=DjangoJSONEncoder, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
