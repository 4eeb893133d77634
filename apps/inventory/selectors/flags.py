"""What is remarkable about a credential, in words, from its own facts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.core.preferences import all_preferences
from apps.inventory.models import Credential
from apps.inventory.states import STATIC_KINDS, StoredIn


@dataclass(frozen=True, slots=True)
class Flag:
    """`is_bad` where a rule would find it; else it is only said."""

    text: str
    is_bad: bool = True


def flags_of(credential: Credential, limits: dict[str, int] | None = None) -> list[Flag]:
    """Flags of one credential. Give `limits` (`all_preferences()`) to judge many with one read."""
    limits = all_preferences() if limits is None else limits
    now = timezone.now()
    is_static = credential.kind in STATIC_KINDS
    flags = []
    if is_static and credential.issued_at:
        days = (now - (credential.rotated_at or credential.issued_at)).days
        flags.append(Flag(f"{days} days old", days > limits["static_key_days"]))
    if is_static and credential.rotated_at is None:
        flags.append(Flag("never rotated", is_bad=False))
    if is_static and credential.expires_at is None and credential.rotation_days is None:
        flags.append(Flag("never expires or rotates"))
    if credential.expires_at and credential.expires_at < now:
        flags.append(Flag("expired, still present"))
    agents = credential.agent_count
    if agents > 1:
        flags.append(Flag(f"shared by {agents} agents"))
    if credential.stored_in == StoredIn.CODE:
        flags.append(Flag("secret kept in code"))
    flags.append(_use(credential, now - timedelta(days=limits["unused_credential_days"])))
    return flags


def _use(credential: Credential, since: datetime) -> Flag:
    if not credential.use_is_known:
        return Flag("use not known", is_bad=False)
    used = credential.last_used_at
    if used is None:
        return Flag("never used", bool(credential.issued_at and credential.issued_at < since))
    return Flag(f"last used {used:%-d %b %Y}", used < since)
