"""Until when a credential that somebody stole now would work, if nobody noticed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.inventory.models import Credential
from apps.inventory.states import CREDENTIAL_OVER, CredentialKind, CredentialState

DAY = timedelta(days=1)
# Systems tell the last use only to the minute.
GRACE = timedelta(minutes=1)
OPEN = "until somebody ends it"


@dataclass(frozen=True, slots=True)
class Exposure:
    """`until` is None where nothing ends it by itself. `works` is False where it is dead already,
    or off, or where there is no secret to steal. `why` names what ends it, or why nothing does."""

    why: str
    briefly: str
    until: datetime | None = None
    works: bool = True

    @property
    def is_open(self) -> bool:
        return self.works and self.until is None


def exposure_of(credential: Credential, now: datetime | None = None) -> Exposure:
    """The exposure window: the earliest of its expiry and its next rotation, if either is to come.

    Only an interval of its own counts: that the house wants static keys rotated ends none of them.
    """
    now = now or timezone.now()
    if credential.state in CREDENTIAL_OVER:
        if _is_used_after(credential):
            return Exposure("It was used after it was ended, so it may work still.", OPEN)
        return Exposure("It does not work any more.", "not at all", works=False)
    if credential.gone_at is not None:
        return Exposure("Its source no longer shows it.", "not at all", works=False)
    if credential.kind == CredentialKind.MANAGED:
        why = "No secret is held, so none can be stolen; a session of its host ends by itself."
        return Exposure(why, "no secret is held", works=False)
    if credential.state == CredentialState.SUSPENDED:
        why = "It is switched off, and works again once it is switched on."
        return Exposure(why, "not while it is off", works=False)
    return _of_live(credential, now)


def own_due_at(credential: Credential) -> datetime | None:
    """When its own interval says that it is to be rotated next."""
    born = credential.rotated_at or credential.issued_at
    if born is None or credential.rotation_days is None:
        return None
    return born + credential.rotation_days * DAY


def _is_used_after(credential: Credential) -> bool:
    used, ended = credential.last_used_at, credential.ended_at
    return used is not None and ended is not None and used > ended + GRACE


def _of_live(credential: Credential, now: datetime) -> Exposure:
    ends = []
    expires, due = credential.expires_at, own_due_at(credential)
    if expires is not None:
        what = "its lease ends" if credential.kind == CredentialKind.LEASE else "it expires"
        ends.append((expires, what))
    if due is not None and due > now:
        ends.append((due, f"it is rotated, every {credential.rotation_days} days"))
    if ends:
        until, what = min(ends)
        briefly = f"up to {_span(until - now)}" if until > now else "past its expiry"
        said = f"Then {what}." if until > now else "It has expired, and its source still shows it."
        return Exposure(said, briefly, until)
    if due is not None:
        late = f"Its rotation is {_span(now - due)} overdue, so nothing ends it by itself."
        return Exposure(late, OPEN)
    return Exposure("It neither expires nor rotates.", OPEN)


def _span(distance: timedelta) -> str:
    """A span in whole days; in hours below two days, in minutes below two hours."""
    for least, unit, word in ((2 * DAY, DAY, "day"), (DAY / 12, DAY / 24, "hour")):
        if distance >= least:
            return f"{distance // unit} {word}s"
    minutes = max(1, distance // timedelta(minutes=1))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
