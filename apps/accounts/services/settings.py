from django.db import transaction
from django.utils import timezone

from apps.accounts import policies
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.models import Setting
from apps.core.policies import enforce
from apps.core.preferences import PREFERENCES


@transaction.atomic
def setting_change(*, key: str, value: int, reason: str, actor: Actor) -> Setting:
    """Change a threshold for what happens from now on; running campaigns keep their copy."""
    enforce(policies.can_change_setting(actor))
    declared = PREFERENCES.get(key)
    if declared is None:
        raise DomainError("There is no such setting.")
    if not declared.minimum <= value <= declared.maximum:
        raise DomainError(f"Between {declared.minimum} and {declared.maximum} {declared.unit}.")
    if not reason.strip():
        raise DomainError("Say why this changes.")
    Setting.objects.get_or_create(key=key, defaults={"value": declared.default})
    setting = Setting.objects.select_for_update().get(key=key)
    before = setting.value
    if before == value:
        raise DomainError(f"It is {value} {declared.unit} already.")
    setting.value, setting.changed_at = value, timezone.now()
    setting.save(update_fields=["value", "changed_at"])
    record(
        actor=actor,
        verb=Verb.SETTING_CHANGED,
        target=setting,
        changes={"value": (before, value)},
        reason=reason.strip(),
    )
    if key == "static_key_days":
        enqueue("inventory.refresh_rotation_dates")
    return setting
