from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory import policies
from apps.inventory.models import System

CHANGEABLE = (
    "name",
    "kind",
    "account",
    "description",
    "environment",
    "owner_id",
    "tags",
)


@transaction.atomic
def system_create(*, name: str, kind: str, actor: Actor, **fields: Any) -> System:
    enforce(policies.can_create_system(actor))
    _demand_known(fields)
    system = _saved(System(name=name.strip(), kind=kind.strip(), **fields))
    changes = {"name": (None, system.name), "kind": (None, system.kind)}
    record(actor=actor, verb=Verb.SYSTEM_CREATED, target=system, changes=changes)
    return system


@transaction.atomic
def system_change(*, system_id: int, actor: Actor, reason: str = "", **fields: Any) -> System:
    system = System.objects.locked(system_id)
    enforce(policies.can_change_system(actor, system))
    _demand_known(fields)
    changes = {
        name: (getattr(system, name), value)
        for name, value in fields.items()
        if getattr(system, name) != value
    }
    if not changes:
        return system
    for name, (_, value) in changes.items():
        setattr(system, name, value)
    _saved(system)
    record(actor=actor, verb=Verb.SYSTEM_CHANGED, target=system, changes=changes, reason=reason)
    return system


@transaction.atomic
def system_log_connect(*, system_id: int, actor: Actor) -> System:
    """Note that what this system records is read: said by who reads it, never by a person."""
    system = System.objects.locked(system_id)
    if not system.log_connected:
        system.log_connected = True
        system.save(update_fields=["log_connected"])
        changes = {"log_connected": (False, True)}
        record(actor=actor, verb=Verb.SYSTEM_CHANGED, target=system, changes=changes)
    return system


@transaction.atomic
def system_log_disconnect(*, system_id: int, actor: Actor) -> System:
    """Note that what this system records is read no more."""
    system = System.objects.locked(system_id)
    if system.log_connected:
        system.log_connected = False
        system.save(update_fields=["log_connected"])
        changes = {"log_connected": (True, False)}
        record(actor=actor, verb=Verb.SYSTEM_CHANGED, target=system, changes=changes)
    return system


def _saved(system: System) -> System:
    if not system.name or not system.kind:
        raise DomainError("A system needs a name and a kind.")
    try:
        with transaction.atomic():
            system.save()
    except IntegrityError as error:
        if "inventory_system_name" in str(error):
            raise DomainError("Another system has this name.") from error
        raise
    return system


def _demand_known(fields: dict[str, Any]) -> None:
    unknown = set(fields) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"Not to be changed here: {', '.join(sorted(unknown))}")
