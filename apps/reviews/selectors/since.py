"""What changed about an agent since it was last reviewed: a certification is of one design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.grants.models import AgentFingerprint
from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent, Task
from apps.reviews.differences import Difference, design_changed
from apps.reviews.models import Campaign, Decision
from apps.reviews.states import CampaignState


@dataclass(frozen=True, slots=True)
class Since:
    """`at` is None where the agent was never reviewed before.

    `changed` names every part whose fingerprint differs; `differences` tells what was frozen
    then and what is now, where both are known.
    """

    at: datetime | None = None
    campaign: str = ""
    changed: tuple[str, ...] = ()
    purpose_changed: bool = False
    differences: tuple[Difference, ...] = ()


def since_last_review(
    agent: Agent | None, campaign: Campaign, design: Mapping[str, Any] | None
) -> Since:
    """Hold `design` (as staging freezes it) against that of the agent's last decided item."""
    if agent is None:
        return Since()
    last = _last_decision(agent, campaign)
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
        differences=design_changed(last.item.frozen.get("agent") or {}, design or {}),
    )


def _last_decision(agent: Agent, campaign: Campaign) -> Decision | None:
    """The newest one of another campaign; where this one is over, the newest before it."""
    rows = Decision.objects.filter(item__agent=agent).exclude(item__campaign=campaign)
    if campaign.state != CampaignState.RUNNING and campaign.launched_at is not None:
        rows = rows.filter(decided_at__lt=campaign.launched_at)
    return rows.select_related("item__campaign").order_by("-pk").first()


def design_now(agent: Agent | None, tasks: Sequence[Task]) -> dict[str, Any] | None:
    """The design in force, in the words of what staging freezes of it."""
    if agent is None:
        return None
    return {
        "purpose": agent.purpose,
        "tasks": [task.title for task in tasks],
        "version": agent.version,
        "model": agent.model,
        "instructions_sha256": agent.instructions_sha256,
        "autonomy": agent.get_autonomy_display(),
        "environment": agent.environment,
        "owner": None if agent.owner is None else str(agent.owner),
    }


def _changed(rows: list[AgentFingerprint], kind: str, digest: str) -> tuple[str, ...]:
    """Which parts differ between the fingerprint then and the one in force now."""
    mine = [row for row in rows if row.kind == kind]
    then = next((row for row in mine if row.digest == digest), None)
    if not mine or then is None or mine[0].digest == digest:
        return ()
    now = mine[0].parts
    names = sorted(name for name in {*now, *then.parts} if now.get(name) != then.parts.get(name))
    return tuple(name.replace("_", " ") for name in names)
