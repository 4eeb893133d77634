"""Signing whether what an agent did can be told, from instruction to call."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.activity import policies
from apps.activity.models import Reconstruction
from apps.activity.selectors.reconstructing import check_of
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.policies import enforce
from apps.core.preferences import preference
from apps.inventory.models import Agent
from apps.inventory.services.reasons import required_reason


@transaction.atomic
def reconstruction_sign(*, agent_id: int, reason: str, actor: Person) -> Reconstruction:
    """Sign the check as it is measured now. Figures and verdict are not the signer's to choose."""
    agent = Agent.objects.select_for_update(of=["self"]).get(pk=agent_id)
    enforce(policies.can_sign(actor, agent))
    note = required_reason(reason, "it is signed")
    now = timezone.now()
    check = check_of(agent, preference("reconstruction_days"), now)
    signed = Reconstruction.objects.create(
        agent=agent,
        since=check.figures.since,
        until=check.figures.until,
        figures=check.figures.kept(),
        verdict=check.verdict,
        reasons=list(check.reasons),
        note=note,
        signed_by=actor.user,
        signed_at=now,
        due_on=timezone.localdate() + timedelta(days=preference("reconstruction_due_days")),
    )
    record(
        actor=actor,
        verb=Verb.RECONSTRUCTION_SIGNED,
        target=signed,
        changes={"verdict": (None, signed.verdict), "due_on": (None, signed.due_on.isoformat())},
        reason=note,
    )
    return signed
