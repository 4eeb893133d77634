from apps.connectors.models import Sync
from apps.connectors.states import SyncStatus
from apps.core.actors import Actor, Role, System
from apps.core.policies import ALLOW, Verdict, deny


def can_browse_sources(actor: Actor) -> Verdict:
    """Sources are evidence of what was read: stewards and auditors see them."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors see sources.")


def can_import(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward may bring in an inventory.")


def can_export(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward may export the inventory.")


def can_apply(actor: Actor, sync: Sync) -> Verdict:
    if sync.status == SyncStatus.READY:
        return can_import(actor)
    return deny(f"This reading is {sync.get_status_display().lower()}; there is nothing to apply.")


def can_drop(actor: Actor, sync: Sync) -> Verdict:
    if sync.status in {SyncStatus.READY, SyncStatus.WAITING, SyncStatus.READING}:
        return can_import(actor)
    return deny(f"This reading is {sync.get_status_display().lower()} and cannot be dropped.")
