"""Apply what was staged: in one transaction, one import at a time, or not at all."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.formats import FORMATS
from apps.connectors.models import Sync
from apps.connectors.policies import can_drop, can_import
from apps.connectors.services.agents import apply_agents
from apps.connectors.services.bindings import apply_bindings
from apps.connectors.services.credentials import apply_credentials
from apps.connectors.services.grants import apply_grants
from apps.connectors.services.identities import apply_identities
from apps.connectors.services.justifications import apply_justifications
from apps.connectors.services.permissions import apply_permissions
from apps.connectors.services.run import Run
from apps.connectors.services.systems import apply_systems
from apps.connectors.states import SyncStatus
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Binding, Source

# Imports touch the same identities by different streams, so all of them wait for each other.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('connectors.import'))"
STEPS = (
    apply_systems,
    apply_agents,
    apply_identities,
    apply_bindings,
    apply_credentials,
    apply_permissions,
    apply_grants,
    apply_justifications,
)

type Progress = Callable[[int], None]


def sync_preview(*, sync_id: int, actor: Actor, progress: Progress | None = None) -> Sync:
    """Find out what applying would change, by applying it and rolling that back."""
    with transaction.atomic():
        sync = Sync.objects.locked(sync_id)
        run = _apply(sync, actor, progress)
        told = run.report.told()
        transaction.set_rollback(True)
    sync = Sync.objects.get(pk=sync_id)
    sync.report = told
    sync.save(update_fields=["report"])
    return sync


@transaction.atomic
def sync_apply(*, sync_id: int, actor: Actor, progress: Progress | None = None) -> Source:
    """Apply a reading. Everything of it is written, or nothing; twice changes nothing twice."""
    sync = Sync.objects.locked(sync_id)
    enforce(can_import(actor))
    if sync.status not in {SyncStatus.READY, SyncStatus.APPLYING}:
        raise DomainError(f"This reading is {sync.get_status_display().lower()}.")
    run = _apply(sync, actor, progress)
    sync.rows.all().delete()
    sync.report = run.report.told()
    sync.status = SyncStatus.APPLIED
    sync.source = run.source
    sync.finished_at = run.now
    sync.save()
    enqueue("findings.recheck")
    enqueue("remediation.check_orders", source_id=run.source.pk)
    return run.source


@transaction.atomic
def sync_drop(*, sync_id: int, actor: Actor) -> Sync:
    """Let a reading go without applying it."""
    sync = Sync.objects.locked(sync_id)
    enforce(can_drop(actor, sync))
    sync.rows.all().delete()
    sync.status = SyncStatus.DROPPED
    sync.finished_at = timezone.now()
    sync.save(update_fields=["status", "finished_at"])
    return sync


def _apply(sync: Sync, actor: Actor, progress: Progress | None) -> Run:
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
    now = timezone.now()
    run = Run(
        sync=sync,
        source=_source(sync, actor, now),
        actor=actor,
        now=now,
        progress=progress or (lambda done: None),
    )
    for step in STEPS:
        step(run)
    _refresh_fingerprints(run)
    _finish(run)
    return run


def _source(sync: Sync, actor: Actor, now: Any) -> Source:
    header = sync.header
    Source.objects.current().filter(stream=header["stream"]).update(superseded_at=now)
    return Source.objects.create(
        stream=header["stream"],
        format=sync.format,
        account=header["account"],
        label=_label(sync),
        file_name=sync.file_name,
        raw_sha256=sync.raw_sha256,
        raw_bytes=sync.raw_bytes,
        command=sync.command,
        provider_time=header["provider_at"],
        read_at=now,
        independently_obtained=sync.connection_id is not None,
        brought_by=sync.brought_by,
        brought_by_label=sync.brought_by_label,
        channel=actor.channel,
    )


def _label(sync: Sync) -> str:
    if sync.connection is not None:
        return f"{sync.connection}: {sync.file_name}"[:200]
    of = sync.header["account"] or sync.header["stream"].partition(":")[2]
    return f"{FORMATS[sync.format].title}: {of}"[:200]


def _refresh_fingerprints(run: Run) -> None:
    agents = Binding.objects.live().filter(identity__in=run.touched_identities)
    agent_ids = run.touched_agents | set(agents.values_list("agent_id", flat=True))
    if agent_ids:
        fingerprints_refresh(agent_ids=agent_ids, actor=run.actor)


def _finish(run: Run) -> None:
    sync, source, report = run.sync, run.source, run.report
    source.read_count = sync.read_count
    source.rejected_count = min(sync.read_count, sync.rejected_count + report.rejected_count)
    source.accepted_count = source.read_count - source.rejected_count
    source.changes = report.counts()
    source.rejected = [*sync.rejected, *report.rejected]
    source.notes = report.notes
    source.save()
    record(
        actor=run.actor,
        verb=Verb.SOURCE_IMPORTED,
        target=source,
        changes={
            "read": (None, source.read_count),
            "accepted": (None, source.accepted_count),
            "rejected": (None, source.rejected_count),
            "sha256": (None, source.raw_sha256),
            "changes": (None, source.changes),
        },
    )
