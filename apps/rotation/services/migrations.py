"""Ways out of long-lived secrets: proposed, agreed on, gone, and done once the secret is dead."""

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.models import Credential
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import CREDENTIAL_OVER
from apps.rotation import policies
from apps.rotation.models import Migration
from apps.rotation.selectors.leading_out import ways_out_of
from apps.rotation.selectors.people import keeper_of
from apps.rotation.states import MIGRATION_MOVES, MIGRATION_OVER, MigrationState

MOST_AT_ONCE = 500
_VERBS = {
    MigrationState.AGREED: Verb.MIGRATION_AGREED,
    MigrationState.UNDER_WAY: Verb.MIGRATION_BEGUN,
    MigrationState.DONE: Verb.MIGRATION_DONE,
    MigrationState.DROPPED: Verb.MIGRATION_DROPPED,
}


@transaction.atomic
def migration_propose(
    *, credential_id: int, way: str, actor: Actor, note: str = "", target_on: date | None = None
) -> Migration:
    """Propose a way out; whoever keeps the agent running that answers for it is its owner."""
    rows = Credential.objects.select_for_update(of=["self"]).select_related("identity__system")
    credential = rows.get(pk=credential_id)
    enforce(policies.can_propose(actor, credential))
    if way not in {one.key for one in ways_out_of(credential)}:
        raise DomainError("There is no such way out of it.", field="way")
    migration = Migration.objects.create(
        credential=credential,
        label=f"{credential.identity} · {credential.external_id}"[:400],
        way=way,
        owner=keeper_of(credential.identity_id),
        target_on=target_on,
        note=note.strip(),
        proposed_by=actor.user if isinstance(actor, Person) else None,
    )
    record(
        actor=actor,
        verb=Verb.MIGRATION_PROPOSED,
        target=migration,
        changes={"state": (None, migration.state), "way": (None, way)},
        reason=migration.note,
    )
    return migration


@transaction.atomic
def migration_change(*, migration_id: int, actor: Actor, reason: str, **fields: Any) -> Migration:
    """Name another owner, day, or way."""
    migration = Migration.objects.locked(migration_id)
    enforce(policies.can_lead_out(actor, migration))
    known = {one.key for one in ways_out_of(migration.credential)} | {migration.way}
    if fields.get("way", migration.way) not in known:
        raise DomainError("There is no such way out of it.", field="way")
    needs_day = migration.state in {MigrationState.AGREED, MigrationState.UNDER_WAY}
    if needs_day and fields.get("target_on", migration.target_on) is None:
        raise DomainError("What is agreed on has a day.", field="target_on")
    changes = {
        name: (getattr(migration, name), value)
        for name, value in fields.items()
        if getattr(migration, name) != value
    }
    if not changes:
        return migration
    for name, (_, value) in changes.items():
        setattr(migration, name, value)
    migration.save(update_fields=[name.removesuffix("_id") for name in changes])
    record(
        actor=actor,
        verb=Verb.MIGRATION_CHANGED,
        target=migration,
        changes={name: (_told(before), _told(after)) for name, (before, after) in changes.items()},
        reason=required_reason(reason, "it changes"),
    )
    return migration


@transaction.atomic
def migration_agree(*, migration_id: int, target_on: date, reason: str, actor: Actor) -> Migration:
    """Agree that it is gone, and by when."""
    migration = Migration.objects.locked(migration_id)
    enforce(policies.can_lead_out(actor, migration))
    if target_on < timezone.localdate():
        raise DomainError("That day has passed.", field="target_on")
    migration.target_on = target_on
    text = required_reason(reason, "this is the way")
    _move(migration, MigrationState.AGREED, text, actor, "target_on")
    return migration


@transaction.atomic
def migration_begin(*, migration_id: int, reason: str, actor: Actor) -> Migration:
    migration = Migration.objects.locked(migration_id)
    enforce(policies.can_lead_out(actor, migration))
    _move(migration, MigrationState.UNDER_WAY, required_reason(reason, "it begins"), actor)
    return migration


@transaction.atomic
def migration_finish(*, migration_id: int, actor: Actor, reason: str = "") -> Migration:
    """Note that it is done: the secret is dead or gone, or somebody says why it is done anyway."""
    migration = Migration.objects.locked(migration_id)
    enforce(policies.can_lead_out(actor, migration))
    if not is_dead(migration.credential) and not reason.strip():
        raise DomainError(
            "The old secret still works. Revoke it first, or say why it is done all the same.",
            field="reason",
        )
    migration.how = reason.strip() or _death(migration.credential)
    _move(migration, MigrationState.DONE, migration.how, actor, "how")
    return migration


@transaction.atomic
def migration_drop(*, migration_id: int, reason: str, actor: Actor) -> Migration:
    migration = Migration.objects.locked(migration_id)
    enforce(policies.can_lead_out(actor, migration))
    migration.how = required_reason(reason, "it is dropped")
    _move(migration, MigrationState.DROPPED, migration.how, actor, "how")
    return migration


def migrations_settle(*, actor: Actor) -> int:
    """Note those as done whose secret is dead by now. Returns how many; safe to run twice."""
    enforce(policies.can_run(actor))
    arrived = Migration.objects.arrived().order_by("pk").values_list("pk", flat=True)
    return sum(_settle(pk, actor) for pk in list(arrived[:MOST_AT_ONCE]))


@transaction.atomic
def _settle(pk: int, actor: Actor) -> int:
    migration = Migration.objects.locked(pk)
    if migration.state in MIGRATION_OVER or not is_dead(migration.credential):
        return 0
    migration.how = _death(migration.credential)
    _move(migration, MigrationState.DONE, migration.how, actor, "how")
    return 1


def is_dead(credential: Credential) -> bool:
    """Whether it is over. One that is only lost from sight is not."""
    if credential.state in CREDENTIAL_OVER or credential.gone_at is None:
        return credential.state in CREDENTIAL_OVER
    return Credential.objects.seen_gone().filter(pk=credential.pk).exists()


def _death(credential: Credential) -> str:
    if credential.gone_at is not None:
        return f"Its source shows the old secret no more, since {credential.gone_at:%Y-%m-%d}."
    return f"The old secret is dead: {credential.get_state_display().lower()}."


def _move(migration: Migration, state: MigrationState, said: str, actor: Actor, *also: str) -> None:
    before = migration.state
    MIGRATION_MOVES.check(before, state)
    migration.state = state
    fields = {"state", *also}
    if state in MIGRATION_OVER:
        migration.ended_at = timezone.now()
        fields.add("ended_at")
    migration.save(update_fields=sorted(fields))
    record(
        actor=actor,
        verb=_VERBS[state],
        target=migration,
        changes={"state": (before, state)},
        reason=said,
    )


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
