"""What an item keeps of its subject, as plain values: the same subject gives the same text."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models.functions import JSONObject

from apps.grants.models import GrantStatement
from apps.inventory.models import Binding, Credential
from apps.reviews.services.freezing.context import Facts, IdentityThen, Surroundings

STATEMENT = ("effect", "actions", "resources", "not_resources", "conditions", "policy", "group")
# What an item keeps of a grant under the name it has there, and what else its facts rest on.
KEPT_OF_GRANT = (
    "service",
    "level",
    "tags",
    "limits",
    "unknown_actions",
    "content_sha256",
    "use_is_known",
    "state",
    "stream",
)
GRANT_COLUMNS = (
    *KEPT_OF_GRANT,
    "pk",
    "identity_id",
    "system_id",
    "source_id",
    "label",
    "requested_by_id",
    "granted_by_id",
    "first_seen_at",
    "last_used_at",
    "expires_at",
    "justified_until",
    "justification_id",
    "justification__reason",
    "justification__task__title",
    "justification__ticket",
    "justification__given_by_label",
    "justification__given_at",
)
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_of(facts: Facts) -> str:
    """Canonical JSON: sorted keys, no spaces."""
    return _canonical.encode(facts)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def statements_of(grant_ids: Collection[int]) -> dict[int, list[Facts]]:
    """The statements of each grant, in order."""
    held: dict[int, list[Facts]] = defaultdict(list)
    rows = GrantStatement.objects.filter(grant__among=grant_ids).order_by("grant_id", "position")
    statement = JSONObject(**{name: name for name in STATEMENT})
    for grant_id, facts in rows.values_list("grant_id", statement):
        held[grant_id].append(facts)
    return held


def grant_facts(
    grant: Mapping[str, Any],
    identity: IdentityThen,
    around: Surroundings,
    statements: list[Facts],
    *,
    asked_again: bool,
) -> Facts:
    """The facts of a grant that was read as `GRANT_COLUMNS`."""
    people = around.people
    return {
        **{name: grant[name] for name in KEPT_OF_GRANT},
        **identity.facts,
        **around.systems[grant["system_id"]],
        "subject": f"grant:{grant['pk']}",
        "statements": statements,
        "justification": _justification(grant),
        "requested_by": people.name(grant["requested_by_id"]),
        "granted_by": people.name(grant["granted_by_id"]),
        "first_seen_at": _time(grant["first_seen_at"]),
        "last_used_at": _time(grant["last_used_at"]),
        "expires_at": _time(grant["expires_at"]),
        "used_by": identity.used_by,
        "source": grant["source_id"],
        "asked_again": asked_again,
    }


def _justification(grant: Mapping[str, Any]) -> Facts | None:
    if grant["justification_id"] is None:
        return None
    return {
        "reason": grant["justification__reason"],
        "task": grant["justification__task__title"],
        "ticket": grant["justification__ticket"],
        "given_by": grant["justification__given_by_label"],
        "given_at": _time(grant["justification__given_at"]),
        "until": _time(grant["justified_until"]),
    }


def credential_facts(
    credential: Credential, identity: IdentityThen, around: Surroundings, levels: list[str]
) -> Facts:
    return {
        **identity.facts,
        **around.systems[identity.system_id],
        "subject": f"credential:{credential.pk}",
        "kind": credential.kind,
        "external_id": credential.external_id,
        "label": credential.label,
        "fingerprint": credential.fingerprint,
        "stored_in": credential.stored_in,
        "stored_at": credential.stored_at,
        "made_by": around.people.name(credential.made_by_id),
        "issued_at": _time(credential.issued_at),
        "expires_at": _time(credential.expires_at),
        "rotated_at": _time(credential.rotated_at),
        "rotation_days": credential.rotation_days,
        "last_used_at": _time(credential.last_used_at),
        "use_is_known": credential.use_is_known,
        "levels_it_opens": levels,
        "state": credential.state,
        "used_by": identity.used_by,
        "source": credential.source_id,
        "stream": credential.stream,
    }


def binding_facts(binding: Binding, identity: IdentityThen, around: Surroundings) -> Facts:
    return {
        **identity.facts,
        "subject": f"binding:{binding.pk}",
        "system": around.systems[identity.system_id]["system"],
        "how": binding.how,
        "bound_at": _time(binding.bound_at),
        "used_by": identity.used_by,
    }


def _time(moment: datetime | date | None) -> str | None:
    return None if moment is None else moment.isoformat()
