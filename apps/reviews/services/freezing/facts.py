"""What an item keeps of its subject, as plain values: the same subject gives the same text."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from apps.grants.models import Grant, GrantStatement
from apps.inventory.models import Binding, Credential
from apps.reviews.services.freezing.context import People

STATEMENT = ("effect", "actions", "resources", "not_resources", "conditions", "policy", "group")


def digest_of(facts: Mapping[str, Any]) -> str:
    """SHA-256 of canonical JSON: sorted keys, no spaces."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def statements_of(grant_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    held: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = GrantStatement.objects.filter(grant__in=grant_ids).order_by("grant_id", "position")
    for grant_id, *values in rows.values_list("grant_id", *STATEMENT):
        held[grant_id].append(dict(zip(STATEMENT, values, strict=True)))
    return held


def grant_facts(
    grant: Grant, statements: list[dict[str, Any]], people: People, used_by: list[str]
) -> dict[str, Any]:
    identity, system = grant.identity, grant.system
    return {
        "subject": f"grant:{grant.pk}",
        "identity": identity.name,
        "identity_external_id": identity.external_id,
        "identity_kind": identity.kind,
        "system": system.name,
        "account": system.account,
        "environment": system.environment,
        "system_tags": system.tags,
        "service": grant.service,
        "level": grant.level,
        "tags": grant.tags,
        "statements": statements,
        "limits": grant.limits,
        "unknown_actions": grant.unknown_actions,
        "content_sha256": grant.content_sha256,
        "justification": _justification(grant),
        "requested_by": people.name(grant.requested_by_id),
        "granted_by": people.name(grant.granted_by_id),
        "first_seen_at": _time(grant.first_seen_at),
        "last_used_at": _time(grant.last_used_at),
        "use_is_known": grant.use_is_known,
        "expires_at": _time(grant.expires_at),
        "state": grant.state,
        "used_by": used_by,
        "source": grant.source_id,
        "stream": grant.stream,
    }


def _justification(grant: Grant) -> dict[str, Any] | None:
    given = grant.justification
    if given is None:
        return None
    return {
        "reason": given.reason,
        "task": given.task.title if given.task else None,
        "ticket": given.ticket,
        "given_by": given.given_by_label,
        "given_at": _time(given.given_at),
        "until": _time(grant.justified_until),
    }


def credential_facts(
    credential: Credential, levels: list[str], people: People, used_by: list[str]
) -> dict[str, Any]:
    identity = credential.identity
    return {
        "subject": f"credential:{credential.pk}",
        "identity": identity.name,
        "identity_external_id": identity.external_id,
        "identity_kind": identity.kind,
        "system": identity.system.name,
        "account": identity.system.account,
        "environment": identity.system.environment,
        "system_tags": identity.system.tags,
        "kind": credential.kind,
        "external_id": credential.external_id,
        "label": credential.label,
        "fingerprint": credential.fingerprint,
        "stored_in": credential.stored_in,
        "stored_at": credential.stored_at,
        "made_by": people.name(credential.made_by_id),
        "issued_at": _time(credential.issued_at),
        "expires_at": _time(credential.expires_at),
        "rotated_at": _time(credential.rotated_at),
        "rotation_days": credential.rotation_days,
        "last_used_at": _time(credential.last_used_at),
        "use_is_known": credential.use_is_known,
        "levels_it_opens": levels,
        "state": credential.state,
        "used_by": used_by,
        "source": credential.source_id,
        "stream": credential.stream,
    }


def binding_facts(binding: Binding, used_by: list[str]) -> dict[str, Any]:
    identity = binding.identity
    return {
        "subject": f"binding:{binding.pk}",
        "identity": identity.name,
        "identity_external_id": identity.external_id,
        "identity_kind": identity.kind,
        "system": identity.system.name,
        "how": binding.how,
        "bound_at": _time(binding.bound_at),
        "used_by": used_by,
    }


def _time(moment: datetime | date | None) -> str | None:
    return None if moment is None else moment.isoformat()
