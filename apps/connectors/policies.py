from apps.connectors.models import Connection, Sync
from apps.connectors.states import READS, ConnectionState, SyncStatus
from apps.core.actors import Actor, Person, Role, System
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


def can_connect(actor: Actor) -> Verdict:
    """See, add, and change connections."""
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward connects systems.")


def can_change_connection(actor: Actor, connection: Connection) -> Verdict:
    if connection.state == ConnectionState.RETIRED:
        return deny("This connection is retired. Add a new one.")
    return can_connect(actor)


def can_read_now(actor: Actor, connection: Connection) -> Verdict:
    if connection.state == ConnectionState.DRAFT:
        return deny("Test it first: it has not been seen to work yet.")
    if connection.state not in READS:
        return deny("This connection is retired.")
    return can_connect(actor)


def can_ask_removal(actor: Actor, connection: Connection) -> Verdict:
    """Ask that a connection may remove; another steward allows it."""
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward asks for removal.")
    if connection.state != ConnectionState.READING:
        return deny(f"This connection is in the state: {connection.get_state_display()}.")
    return ALLOW


def can_allow_removal(actor: Actor, connection: Connection) -> Verdict:
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward allows removal.")
    if connection.state != ConnectionState.REMOVAL_ASKED:
        return deny("Nobody has asked that it may remove.")
    if connection.removal_asked_by_id == actor.user.pk:
        return deny("You asked for it, so another steward must allow it.")
    return ALLOW


def can_stop_removal(actor: Actor, connection: Connection) -> Verdict:
    if connection.state not in {ConnectionState.REMOVAL_ASKED, ConnectionState.REMOVING}:
        return deny("It does not remove anything.")
    return can_connect(actor)
