"""How permissions are classified: by a catalogue, unless a steward knows better."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.grants import policies
from apps.grants.models import Grant, Permission
from apps.grants.states import Level, Tag
from apps.inventory.services.reasons import required_reason

CHUNK = 1000


@transaction.atomic
def permission_override(
    *,
    permission_id: int,
    level: Level | str,
    tags: Collection[str],
    reason: str,
    actor: Actor,
) -> Permission:
    """Classify a permission by a person's judgement instead of the catalogue's.

    Live grants that list it get its new tags at once. Its level moves no grant: a grant is one
    level of a service, and which actions belong to it is told by the next reading of the source.
    """
    permission = Permission.objects.locked(permission_id)
    enforce(policies.can_override_permission(actor))
    text = required_reason(reason, "this classification is the right one")
    if level not in Level.values or not set(tags) <= set(Tag.values):
        raise DomainError("Choose a level and tags from the list.")
    before = {"level": permission.level, "tags": sorted(permission.tags)}
    after = {"level": str(level), "tags": sorted(tags)}
    dropped = set(before["tags"]) - set(after["tags"])
    _write(permission, after, before, text, actor)
    touched = _retag_grants(permission, dropped)
    changes = {key: (before[key], after[key]) for key in before}
    record(
        actor=actor,
        verb=Verb.PERMISSION_OVERRIDDEN,
        target=permission,
        changes={**changes, "grants_with_new_tags": (None, touched)},
        reason=text,
    )
    return permission


def _write(permission: Permission, after: dict, before: dict, reason: str, actor: Actor) -> None:
    catalogue = permission.evidence.get("replaced") or {**permission.evidence, **before}
    permission.level, permission.tags = after["level"], after["tags"]
    permission.is_classified = True
    permission.overridden_by = actor.user if isinstance(actor, Person) else None
    permission.overridden_at = timezone.now()
    permission.evidence = {"source": str(actor), "reason": reason, "replaced": catalogue}
    permission.save()


def _retag_grants(permission: Permission, dropped: set[str]) -> int:
    """Give the grants that list this permission the tags of all they list; returns how many.

    A dropped tag stays where another permission of the grant carries it.
    """
    grants = list(
        Grant.objects.live()
        .listing(permission)
        .select_for_update(of=["self"])
        .order_by("pk")
        .prefetch_related("statements")
    )
    listed = {grant.pk: _allowed(grant) for grant in grants}
    known = _tags_of(permission.system_kind, {key for keys in listed.values() for key in keys})
    changed = []
    for grant in grants:
        carried = {tag for key in listed[grant.pk] for tag in known.get(key, ())}
        tags = sorted((set(grant.tags) - dropped) | carried)
        if tags != sorted(grant.tags):
            grant.tags = tags
            changed.append(grant)
    Grant.objects.bulk_update(changed, ["tags"], batch_size=CHUNK)
    return len(changed)


def _allowed(grant: Grant) -> set[str]:
    return {
        str(action)
        for statement in grant.statements.all()
        if statement.effect == "allow"
        for action in statement.actions
    }


def _tags_of(system_kind: str, keys: Collection[str]) -> dict[str, Sequence[str]]:
    rows = Permission.objects.filter(system_kind=system_kind, key__in=keys)
    return dict(rows.values_list("key", "tags"))
