"""Why grants were there: what justified them, who approved them, and which review kept them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from apps.approvals.models import AccessRequest, Vote
from apps.approvals.states import Choice
from apps.core.actors import Actor
from apps.grants.models import Grant, Justification
from apps.reviews.models import ReviewItem


@dataclass(frozen=True, slots=True)
class Reason:
    """A grant with what stands behind it. `justification` is the newest given by `moment`, or else
    the newest; `late` says that it was given only later. `stood` says if it was in force then."""

    grant: Grant
    moment: datetime
    justification: Justification | None
    request: AccessRequest | None
    review: ReviewItem | None
    approvers: list[str] = field(default_factory=list)

    @property
    def late(self) -> bool:
        return self.justification is not None and self.justification.given_at > self.moment

    @property
    def stood(self) -> bool:
        told = self.justification
        return bool(told and (not told.until or told.until >= timezone.localdate(self.moment)))

    @property
    def ended(self) -> datetime | None:
        """When it ended or left its source, where it is over now."""
        return min(filter(None, (self.grant.ended_at, self.grant.gone_at)), default=None)


def reasons_of(ids: Collection[int], moment: datetime, actor: Actor) -> dict[int, Reason]:
    """By grant, as far as the reader may see each part, as it stood at a moment. Five queries."""
    grants = Grant.objects.visible_to(actor).in_bulk(ids)
    given = _justifications(grants, moment)
    asked = {one.request_id for one in grants.values() if one.request_id}
    requests = AccessRequest.objects.visible_to(actor).in_bulk(asked)
    approvers = _approvers(requests.values())
    reviews = _reviews(grants, actor)
    return {
        pk: Reason(
            grant,
            moment,
            given.get(pk),
            requests.get(grant.request_id or 0),
            reviews.get(pk),
            approvers.get(grant.request_id or 0, []),
        )
        for pk, grant in grants.items()
    }


def _justifications(grants: Collection[int], moment: datetime) -> dict[int, Justification]:
    """The newest given by then; of a grant that had none yet, the first that came after."""
    found: dict[int, Justification] = {}
    for one in Justification.objects.filter(grant__in=list(grants)).order_by("given_at", "pk"):
        if one.given_at <= moment or one.grant_id not in found:
            found[one.grant_id] = one
    return found


def _approvers(requests: Collection[AccessRequest]) -> dict[int, list[str]]:
    """Who approved each of them in the round that counted."""
    rounds = {one.pk: one.round for one in requests}
    votes = Vote.objects.filter(request__in=rounds, choice=Choice.APPROVE).select_related("person")
    found: dict[int, list[str]] = defaultdict(list)
    for vote in votes:
        if vote.round == rounds[vote.request_id]:
            found[vote.request_id].append(str(vote.person))
    return found


def _reviews(grants: Collection[int], actor: Actor) -> dict[int, ReviewItem]:
    """The newest decided item of each grant."""
    items = (
        ReviewItem.objects.visible_to(actor)
        .filter(grant__in=list(grants), decision__isnull=False)
        .select_related("decision", "campaign")
        .order_by("pk")
    )
    return {one.grant_id: one for one in items if one.grant_id}
