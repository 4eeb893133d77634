"""What changed about an agent since it was last reviewed: a certification is of one design."""

from dataclasses import dataclass
from datetime import datetime

from apps.grants.models import AgentFingerprint
from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent
from apps.reviews.models import Campaign, Decision


@dataclass(frozen=True, slots=True)
class Since:
    """`at` is None where the agent was never reviewed before."""

    at: datetime | None = None
    campaign: str = ""
    changed: tuple[str, ...] = ()
    purpose_changed: bool = False


def since_last_review(agent: Agent | None, campaign: Campaign) -> Since:
    if agent is None:
        return Since()
    last = (
        Decision.objects.filter(item__agent=agent)
        .exclude(item__campaign=campaign)
        .select_related("item__campaign")
        .order_by("-pk")
        .first()
    )
    if last is None:
        return Since()
    rows = list(AgentFingerprint.objects.filter(agent=agent).order_by("-pk")[:200])
    changed = (
        *_changed(rows, FingerprintKind.DESIGN, last.design_digest),
        *_changed(rows, FingerprintKind.ACCESS, last.access_digest),
    )
    purpose_at = agent.purpose_changed_at
    return Since(
        at=last.decided_at,
        campaign=last.item.campaign.name,
        changed=changed,
        purpose_changed=purpose_at is not None and purpose_at > last.decided_at,
    )


def _changed(rows: list[AgentFingerprint], kind: str, digest: str) -> tuple[str, ...]:
    """Which parts differ between the fingerprint then and the one in force now."""
    mine = [row for row in rows if row.kind == kind]
    then = next((row for row in mine if row.digest == digest), None)
    if not mine or then is None or mine[0].digest == digest:
        return ()
    now = mine[0].parts
    names = sorted(name for name in {*now, *then.parts} if now.get(name) != then.parts.get(name))
    return tuple(name.replace("_", " ") for name in names)
