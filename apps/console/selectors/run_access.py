"""What let a run do what systems recorded of it: each grant, and why it was there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from apps.activity.models import AllowedCall, Event, Invocation
from apps.activity.selectors.held import Elsewhere, allowed_elsewhere
from apps.activity.states import PROVEN_FROM
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor
from apps.grants.models import Grant, Justification
from apps.reviews.models import ReviewItem

MOST_CALLS = 500


@dataclass(frozen=True, slots=True)
class Used:
    """A grant that would have allowed these calls; `also` counts others that cover one of them."""

    grant: Grant
    names: list[str]
    justification: Justification | None
    stands: bool
    request: AccessRequest | None
    review: ReviewItem | None
    also: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A call that no grant of its identity allows; `elsewhere` name it for other things."""

    name: str
    on: list[str]
    elsewhere: list[Elsewhere]


@dataclass(frozen=True, slots=True)
class RunAccess:
    """`hidden` grants allowed calls too, and lie outside of what the reader may see."""

    used: list[Used]
    uncovered: list[Uncovered]
    hidden: int


def access_of(run: Invocation, actor: Actor) -> RunAccess:
    """By the calls proven to be of the run, as far as the reader may see them."""
    calls = _proven(run, actor)
    wanted: dict[tuple[int, str], set[str]] = defaultdict(set)
    systems: dict[tuple[int, str], int] = {}
    for call in calls:
        if call.identity_id:
            wanted[call.identity_id, call.name].add(call.target)
            systems[call.identity_id, call.name] = call.system_id or 0
    covering = _covering(wanted)
    ids = {grant for grants in covering.values() for grant in grants}
    grants = Grant.objects.visible_to(actor).select_related("justification").in_bulk(ids)
    names: dict[int, list[str]] = defaultdict(list)
    beside: dict[int, set[int]] = defaultdict(set)
    for (_, name), of in sorted(covering.items()):
        for grant in of:
            names[grant].append(name)
            beside[grant] |= of - {grant}
    requests = _requests(grants.values(), actor)
    reviews = _reviews(grants, actor)
    used = [
        Used(
            grant,
            names[grant.pk],
            grant.justification,
            grant.justified_until is None or grant.justified_until >= timezone.localdate(),
            requests.get(grant.request_id or 0),
            reviews.get(grant.pk),
            len(beside[grant.pk]),
        )
        for grant in sorted(grants.values(), key=lambda one: (one.level == "read", one.label))
    ]
    bare = [(who, systems[who, name], name) for who, name in wanted if not covering[who, name]]
    elsewhere = allowed_elsewhere(bare, actor)
    uncovered = [
        Uncovered(one[2], sorted(wanted[one[0], one[2]] - {""}), elsewhere.get(one, []))
        for one in sorted(bare, key=lambda one: one[2])
    ]
    return RunAccess(used, uncovered, len(ids) - len(grants))


def _proven(run: Invocation, actor: Actor) -> Sequence[Event]:
    links = list(run.links.filter(confidence__gte=PROVEN_FROM)[:MOST_CALLS])
    if not links:
        return []
    times = [one.call_recorded_at for one in links]
    rows = Event.objects.at(run.log_id, (one.call_leaf for one in links))
    return list(rows.recorded_between(min(times), max(times)).visible_to(actor))


def _covering(wanted: Mapping[tuple[int, str], set[str]]) -> dict[tuple[int, str], set[int]]:
    covering: dict[tuple[int, str], set[int]] = defaultdict(set)
    rows = AllowedCall.objects.filter(
        identity_id__in={identity for identity, _ in wanted}, name__in={name for _, name in wanted}
    )
    for one in rows:
        targets = wanted.get((one.identity_id, one.name), set())
        if not one.by_target or one.target in targets:
            covering[one.identity_id, one.name].add(one.grant_id)
    return covering


def _requests(grants: Iterable[Grant], actor: Actor) -> dict[int, AccessRequest]:
    ids = {one.request_id for one in grants if one.request_id}
    return AccessRequest.objects.visible_to(actor).in_bulk(ids)


def _reviews(grants: Iterable[int], actor: Actor) -> dict[int, ReviewItem]:
    """The newest decided item of each grant."""
    items = (
        ReviewItem.objects.visible_to(actor)
        .filter(grant__in=list(grants), decision__isnull=False)
        .select_related("decision", "campaign")
        .order_by("pk")
    )
    return {one.grant_id: one for one in items if one.grant_id}
