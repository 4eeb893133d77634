"""Access that was approved and is not used: keep it with a reason, or give it back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.approvals import policies
from apps.approvals.models import AccessRequest, RemovalProposal
from apps.approvals.selectors.removal import removal_of
from apps.approvals.services.each import each_request
from apps.approvals.services.ending import removal_order
from apps.approvals.states import PROPOSAL_MOVES, ProposalState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.links import public_url
from apps.core.policies import enforce
from apps.core.preferences import preference
from apps.inventory.services.reasons import required_reason
from apps.notices.services import notice_send
from apps.remediation.models import Order


def proposals_make(*, moment: datetime, actor: Actor) -> int:
    """Propose to remove what is in place for so many days and not used, as far as is known.

    Where no source tells of its use, that is said, and it is asked once.
    """
    days = preference("unused_grant_days")

    def propose(request: AccessRequest) -> bool:
        _propose(request, days, actor)
        return True

    rows = AccessRequest.objects.unused_since(moment - timedelta(days=days), now=moment)
    return each_request(rows, propose)


def proposals_settle(*, moment: datetime, actor: Actor) -> int:
    """Drop proposals that no longer hold: it was used since, is over, or is being removed."""
    since = moment - timedelta(days=preference("unused_grant_days"))
    pks = list(RemovalProposal.objects.moot(since=since).values_list("pk", flat=True))
    return sum(_drop(pk, since, actor) for pk in pks)


@transaction.atomic
def proposal_keep(*, proposal_id: int, reason: str, actor: Actor) -> RemovalProposal:
    """Keep what is not used, with a reason. It still ends when it was to end."""
    proposal = _locked(proposal_id)
    enforce(policies.can_answer_proposal(actor, proposal))
    text = required_reason(reason, "it is kept")
    return _move(proposal, ProposalState.KEPT, text, actor)


@transaction.atomic
def proposal_order(*, proposal_id: int, reason: str, actor: Actor) -> Order:
    """Order the removal of what is not used: it stays in force until that is seen."""
    proposal = _locked(proposal_id)
    enforce(policies.can_answer_proposal(actor, proposal))
    text = required_reason(reason, "it may go")
    request, now = proposal.request, timezone.now()
    if Order.objects.removing().filter(grant=request.grant_id).exists():
        raise DomainError("Its removal is ordered already.")
    removal = removal_of(request, at=now)
    if removal is None:
        raise DomainError("Nothing of it is left to remove.")
    _move(proposal, ProposalState.ORDERED, text, actor)
    why = f"Not known to be used in {proposal.days} days. {text}"
    return removal_order(removal, use=request, reason=why, actor=actor)


def _propose(request: AccessRequest, days: int, actor: Actor) -> None:
    grant = request.grant
    assert grant is not None  # noqa: S101  (what is in place has one)
    proposal = RemovalProposal.objects.create(
        request=request,
        days=days,
        use_is_known=grant.use_is_known,
        last_used_at=grant.last_used_at,
    )
    measured = _measured(proposal)
    record(
        actor=actor,
        verb=Verb.PROPOSAL_MADE,
        target=proposal,
        changes={"state": (None, proposal.state)},
        reason=measured,
    )
    people = {one.pk: one for one in (request.agent.owner, request.asked_by) if one is not None}
    for pk in sorted(people):
        notice_send(
            kind="access-unused",
            recipient=people[pk],
            about=request,
            subject=f"Is it still needed? {request.label}",
            body=(
                f"{request.label}\n\nIt is in place since {request.provisioned_at:%Y-%m-%d}."
                f" {measured}\n\nKeep it with a reason, or order its removal: "
                f"{public_url(request.get_absolute_url())}"
            ),
            dedupe_key=f"unused:{proposal.pk}:{pk}",
            actor=actor,
        )


def _measured(proposal: RemovalProposal) -> str:
    if not proposal.use_is_known:
        return "Whether it is used is not known: no source tells."
    grant = proposal.request.grant
    teller = "the log of its system" if grant and grant.use_is_logged else "its source"
    if proposal.last_used_at is None:
        return f"It was never used, as {teller} tells."
    return f"It was last used on {proposal.last_used_at:%Y-%m-%d}, as {teller} tells."


@transaction.atomic
def _drop(proposal_id: int, since: datetime, actor: Actor) -> bool:
    rows = RemovalProposal.objects.moot(since=since).filter(pk=proposal_id)
    proposal = rows.select_for_update(of=["self"], skip_locked=True).first()
    if proposal is None:
        return False
    _move(proposal, ProposalState.MOOT, "It was used since, or it is ending.", actor)
    return True


def _locked(proposal_id: int) -> RemovalProposal:
    rows = RemovalProposal.objects.select_related("request__agent")
    return rows.locked(proposal_id)


def _move(
    proposal: RemovalProposal, state: ProposalState, reason: str, actor: Actor
) -> RemovalProposal:
    before = proposal.state
    PROPOSAL_MOVES.check(before, state)
    proposal.state, proposal.reason, proposal.moved_at = state, reason, timezone.now()
    proposal.moved_by = actor.user if isinstance(actor, Person) else None
    proposal.save(update_fields=["state", "reason", "moved_at", "moved_by"])
    record(
        actor=actor,
        verb=Verb.PROPOSAL_MOVED,
        target=proposal,
        changes={"state": (before, state)},
        reason=reason,
    )
    return proposal
