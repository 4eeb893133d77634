"""What an item keeps of its subject, as plain values: the same subject gives the same text."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast

from apps.grants.models import GrantStatement
from apps.inventory.models import Binding, Credential
from apps.reviews.services.freezing.context import IdentityThen, Surroundings
from apps.reviews.services.freezing.texts import (
    Texts,
    canonical_of,
    json_of,
    json_of_time,
    object_of,
    texts_of,
)

# What an item keeps of a grant under the name it has there, and what else its facts rest on.
KEPT_OF_GRANT = (
    "service",
    "level",
    "tags",
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
# Read as text: making values of it, and text of these, takes longer than anything else here.
GRANT_JSON = {f"{name}_text": Cast(name, TextField()) for name in ("limits", "unknown_actions")}
_STATEMENT = ("effect", "policy", "group")
_STATEMENT_JSON = ("actions", "resources", "not_resources", "conditions")


def statements_of(grant_ids: Collection[int]) -> dict[int, str]:
    """The statements of each grant, in order, as a JSON list."""
    held: dict[int, list[str]] = defaultdict(list)
    statements = GrantStatement.objects.filter(grant__among=grant_ids)
    rows = statements.order_by("grant_id", "position").values_list(
        "grant_id", *_STATEMENT, *(Cast(name, TextField()) for name in _STATEMENT_JSON)
    )
    for grant_id, effect, policy, group, *rest in rows:
        texts = dict(zip(_STATEMENT_JSON, map(canonical_of, rest), strict=True))
        texts |= {"effect": json_of(effect), "policy": json_of(policy), "group": json_of(group)}
        held[grant_id].append(object_of(texts))
    return {grant_id: f"[{','.join(each)}]" for grant_id, each in held.items()}


def grant_facts(
    grant: Mapping[str, Any],
    identity: IdentityThen,
    around: Surroundings,
    statements: str,
    *,
    asked_again: bool,
) -> Texts:
    """The facts of a grant that was read as `GRANT_COLUMNS` and `GRANT_JSON`."""
    people = around.people
    return {
        **{name: json_of(grant[name]) for name in KEPT_OF_GRANT},
        **identity.texts,
        **around.systems[grant["system_id"]],
        "limits": canonical_of(grant["limits_text"]),
        "unknown_actions": canonical_of(grant["unknown_actions_text"]),
        "subject": f'"grant:{grant["pk"]}"',
        "statements": statements,
        "justification": _justification(grant),
        "requested_by": json_of(people.name(grant["requested_by_id"])),
        "granted_by": json_of(people.name(grant["granted_by_id"])),
        "first_seen_at": json_of_time(grant["first_seen_at"]),
        "last_used_at": json_of_time(grant["last_used_at"]),
        "expires_at": json_of_time(grant["expires_at"]),
        "source": json_of(grant["source_id"]),
        "asked_again": json_of(asked_again),
    }


def _justification(grant: Mapping[str, Any]) -> str:
    if grant["justification_id"] is None:
        return "null"
    return object_of(
        {
            "reason": json_of(grant["justification__reason"]),
            "task": json_of(grant["justification__task__title"]),
            "ticket": json_of(grant["justification__ticket"]),
            "given_by": json_of(grant["justification__given_by_label"]),
            "given_at": json_of_time(grant["justification__given_at"]),
            "until": json_of_time(grant["justified_until"]),
        }
    )


def credential_facts(
    credential: Credential, identity: IdentityThen, around: Surroundings, levels: list[str]
) -> Texts:
    return {
        **identity.texts,
        **around.systems[identity.system_id],
        **texts_of(
            {
                "subject": f"credential:{credential.pk}",
                "kind": credential.kind,
                "external_id": credential.external_id,
                "label": credential.label,
                "fingerprint": credential.fingerprint,
                "stored_in": credential.stored_in,
                "stored_at": credential.stored_at,
                "made_by": around.people.name(credential.made_by_id),
                "rotation_days": credential.rotation_days,
                "use_is_known": credential.use_is_known,
                "levels_it_opens": levels,
                "state": credential.state,
                "source": credential.source_id,
                "stream": credential.stream,
            }
        ),
        "issued_at": json_of_time(credential.issued_at),
        "expires_at": json_of_time(credential.expires_at),
        "rotated_at": json_of_time(credential.rotated_at),
        "last_used_at": json_of_time(credential.last_used_at),
    }


def binding_facts(binding: Binding, identity: IdentityThen, around: Surroundings) -> Texts:
    return {
        **identity.texts,
        "subject": f'"binding:{binding.pk}"',
        "system": around.systems[identity.system_id]["system"],
        "how": json_of(binding.how),
        "bound_at": json_of_time(binding.bound_at),
    }
