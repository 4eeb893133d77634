from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.policies import Verdict, enforce
from apps.inventory import policies
from apps.inventory.models import Credential
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import CREDENTIAL_MOVES, CREDENTIAL_OVER, CredentialState

USED = """
UPDATE inventory_credential c SET last_used_at = seen.at
FROM unnest(%(credentials)s::bigint[], %(at)s::timestamptz[]) AS seen(credential_id, at)
WHERE c.id = seen.credential_id AND (c.last_used_at IS NULL OR c.last_used_at < seen.at)
"""
CHANGEABLE = ("label", "stored_in", "stored_at", "rotation_days", "made_by_id")


@transaction.atomic
def credential_change(
    *, credential_id: int, actor: Actor, reason: str = "", **fields: Any
) -> Credential:
    """Say where the secret is kept, how often it rotates, and who made it. Never the secret."""
    credential = Credential.objects.locked(credential_id)
    enforce(policies.can_change_credential(actor, credential))
    unknown = set(fields) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"Not to be changed here: {', '.join(sorted(unknown))}")
    changes = {
        name: (getattr(credential, name), value)
        for name, value in fields.items()
        if getattr(credential, name) != value
    }
    if not changes:
        return credential
    for name, (_, value) in changes.items():
        setattr(credential, name, value)
    credential.save(update_fields=[name.removesuffix("_id") for name in changes])
    record(
        actor=actor,
        verb=Verb.CREDENTIAL_CHANGED,
        target=credential,
        changes=changes,
        reason=reason,
    )
    return credential


# A removal passes through several states at once; a verb stands once per record and transaction.
_VERBS = {
    CredentialState.SUSPENDED: Verb.CREDENTIAL_SUSPENDED,
    CredentialState.REVOKING: Verb.CREDENTIAL_REVOKING,
    CredentialState.REVOKED: Verb.CREDENTIAL_REVOKED,
    CredentialState.VERIFIED: Verb.CREDENTIAL_VERIFIED,
    CredentialState.EXPIRED: Verb.CREDENTIAL_EXPIRED,
}


@transaction.atomic
def credential_move(
    *,
    credential_id: int,
    state: CredentialState,
    reason: str,
    actor: Actor,
    authority: Verdict | None = None,
) -> Credential:
    """Move a credential to a state. Raises `IllegalTransition` where its table has no such move.

    `authority` is the verdict of another app's rule that covers this move: an order that was
    carried out, say.
    """
    credential = Credential.objects.locked(credential_id)
    enforce(policies.can_move_credential(actor) if authority is None else authority)
    text = required_reason(reason, "the credential moves")
    before = credential.state
    CREDENTIAL_MOVES.check(before, state)
    credential.state = state
    if state in CREDENTIAL_OVER and credential.ended_at is None:
        credential.ended_at = timezone.now()
    credential.save(update_fields=["state", "ended_at"])
    record(
        actor=actor,
        verb=_VERBS.get(state, Verb.CREDENTIAL_MOVED),
        target=credential,
        changes={"state": (before, state)},
        reason=text,
    )
    return credential


@transaction.atomic
def credential_end_anew(
    *,
    credential_id: int,
    at: datetime,
    reason: str,
    actor: Actor,
    authority: Verdict | None = None,
) -> Credential:
    """Note that a credential that is over, and was used after all, was ended anew: it is dead
    since then. An end never moves back."""
    credential = Credential.objects.locked(credential_id)
    enforce(policies.can_move_credential(actor) if authority is None else authority)
    before = credential.ended_at
    if before is None or at <= before:
        return credential
    credential.ended_at = at
    credential.save(update_fields=["ended_at"])
    record(
        actor=actor,
        verb=Verb.CREDENTIAL_CHANGED,
        target=credential,
        changes={"ended_at": (before.isoformat(), at.isoformat())},
        reason=reason,
    )
    return credential


@transaction.atomic
def credentials_suspend(
    *, why: Mapping[int, str], actor: Actor, authority: Verdict | None = None
) -> int:
    """Suspend those of these credentials that are active; `why` has the reason by key."""
    enforce(policies.can_move_credential(actor) if authority is None else authority)
    active = Credential.objects.filter(pk__in=why, state=CredentialState.ACTIVE).order_by("pk")
    credentials = list(active.select_for_update(of=["self"]))
    for credential in credentials:
        CREDENTIAL_MOVES.check(credential.state, CredentialState.SUSPENDED)
    Credential.objects.filter(pk__in=[credential.pk for credential in credentials]).update(
        state=CredentialState.SUSPENDED
    )
    change = {"state": (CredentialState.ACTIVE, CredentialState.SUSPENDED)}
    return record_many(
        actor=actor,
        verb=Verb.CREDENTIAL_SUSPENDED,
        facts=[Fact(credential, change, why[credential.pk]) for credential in credentials],
    )


@transaction.atomic
def credential_take_in(
    *, like: Credential, external_id: str, stored_in: str, stored_at: str, reason: str, actor: Actor
) -> Credential:
    """Write down a new credential beside another one, of the same identity and kind.

    Taken in twice it is one; a reading that knows it already keeps its word. The caller judged
    whether the actor may.
    """
    credential, is_new = Credential.objects.get_or_create(
        identity_id=like.identity_id,
        external_id=external_id,
        defaults={
            "kind": like.kind,
            "stored_in": stored_in,
            "stored_at": stored_at,
            "issued_at": timezone.now(),
            "rotation_days": like.rotation_days,
            "facts": _kept_facts(like),
        },
    )
    if is_new:
        record(
            actor=actor,
            verb=Verb.CREDENTIAL_ADOPTED,
            target=credential,
            changes={"state": (None, credential.state)},
            reason=reason,
        )
    return credential


def _kept_facts(like: Credential) -> dict[str, Any]:
    """Of what a source measured of the other, only where it belongs: the rest is not this one's."""
    return {name: like.facts[name] for name in ("role", "object", "what") if name in like.facts}


@transaction.atomic
def credential_note_rotation(
    *, credential_id: int, at: datetime, reason: str, actor: Actor
) -> Credential:
    """Note that a credential has a new secret under its old id. The caller judged it."""
    credential = Credential.objects.locked(credential_id)
    before, credential.rotated_at = credential.rotated_at, at
    credential.save(update_fields=["rotated_at"])
    record(
        actor=actor,
        verb=Verb.CREDENTIAL_CHANGED,
        target=credential,
        changes={"rotated_at": (before and before.isoformat(), at.isoformat())},
        reason=reason,
    )
    return credential


def rotation_dates_refresh(*, limit: int) -> int:
    """Reckon anew when rotation is due where the house's own interval says so; it may change.

    The database does so for each row that is written; here they are written as they are.
    """
    stale = Credential.objects.with_stale_rotation_date().order_by("pk").values("pk")[:limit]
    return Credential.objects.filter(pk__in=stale).update(rotation_due_at=None)


def credentials_measure(*, used: Mapping[int, datetime]) -> int:
    """Note when these credentials were last used, as the log of their system tells.

    It is measured, not decided, and stands in no record. Of two tellers the later time stands;
    whether use is known is the source's to say, since a log need not name every credential.
    """
    if not used:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(USED, {"credentials": list(used), "at": list(used.values())})
        return int(cursor.rowcount)


@transaction.atomic
def credentials_expire_due(*, moment: datetime, limit: int, actor: Actor) -> int:
    """Note that credentials whose time is up have expired; leaves aside what others hold now."""
    due = Credential.objects.due_at(moment).order_by("pk")
    credentials = list(due.select_for_update(of=["self"], skip_locked=True)[:limit])
    facts = [
        Fact(credential, {"state": (credential.state, CredentialState.EXPIRED)})
        for credential in credentials
    ]
    for credential in credentials:
        CREDENTIAL_MOVES.check(credential.state, CredentialState.EXPIRED)
    Credential.objects.filter(pk__in=[credential.pk for credential in credentials]).update(
        state=CredentialState.EXPIRED, ended_at=moment
    )
    return record_many(actor=actor, verb=Verb.CREDENTIAL_EXPIRED, facts=facts)
