"""What waits for one person, soonest first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Erasure
from apps.activity.states import ErasureState
from apps.approvals.models import AccessRequest
from apps.approvals.selectors.break_glass import uses_to_review
from apps.core.actors import Actor, Person, Role
from apps.core.templatetags.countersign import relative
from apps.findings.models import Finding
from apps.notices.models import Page
from apps.notices.states import PageState
from apps.remediation.models import Order
from apps.remediation.states import OrderState
from apps.reviews.models import Campaign, Hold, ItemNote, ReviewItem
from apps.reviews.states import CampaignState, HoldState, ItemState, NoteKind
from apps.rotation.models import Rotation


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing somebody has to do. `done` of `total` makes a bar, where it has one."""

    icon: str
    title: str
    text: str
    href: str
    due_at: datetime | None = None
    done: int = 0
    total: int = 0


def waiting_for(actor: Actor) -> list[Waiting]:
    """Everything that waits for the person; a constant number of queries."""
    if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
        return []
    rows = [
        *_pages(actor),
        *_reviews(actor),
        *_requests(actor),
        *_emergencies(actor),
        *_questions(actor),
        *_attestations(actor),
        *_orders(actor),
        *_rotations(actor),
    ]
    if actor.role == Role.STEWARD:
        rows += [*_holds(actor), *_erasures(actor), *_campaigns_to_move(actor)]
    return rows


def _pages(actor: Person) -> list[Waiting]:
    """Calls that nobody answered: the oldest waits longest."""
    pages = Page.objects.visible_to(actor).unacknowledged()
    found = pages.aggregate(n=Count("pk"), oldest=Min("sent_at"))
    if not (n := found["n"]):
        return []
    return [
        Waiting(
            icon="urgent",
            title=f"{n} page{'s' if n > 1 else ''} not acknowledged",
            text=f"The oldest was sent {relative(found['oldest'], timezone.now())}; say that"
            " somebody looks",
            href=reverse("notices:page_list", query={"state": PageState.SENT}),
        )
    ]


def _reviews(actor: Person) -> list[Waiting]:
    """Counted from the person's own items: a campaign may hold a hundred thousand of others."""
    waiting = ReviewItem.objects.filter(reviewer=actor.user, state=ItemState.OPEN)
    campaigns = Campaign.objects.running().filter(pk__in=waiting.values("campaign"))
    counted = {
        row["campaign"]: row
        for row in ReviewItem.objects.counted()
        .asked()
        .filter(reviewer=actor.user, campaign__in=campaigns)
        .order_by()
        .values("campaign")
        .annotate(total=Count("pk"), left=Count("pk", filter=Q(state=ItemState.OPEN)))
    }
    return [
        _review(campaign, **counted[campaign.pk])
        for campaign in campaigns.order_by("deadline_at")
        if campaign.pk in counted
    ]


def _review(running: Campaign, *, campaign: int, total: int, left: int) -> Waiting:
    return Waiting(
        icon="checklist",
        title=running.name,
        text=f"{left} decision{'s' if left > 1 else ''} left of {total}",
        href=reverse("reviews:bench", args=[campaign]),
        due_at=running.deadline_at,
        done=total - left,
        total=total,
    )


def _requests(actor: Person) -> list[Waiting]:
    """Requests to judge, and those approved that this person may put in place."""
    visible = AccessRequest.objects.visible_to(actor)
    waiting = visible.waiting_for(actor.user).aggregate(n=Count("pk"), due=Min("step_due_at"))
    to_place = visible.to_put_in_place(actor).count()
    rows = []
    if n := waiting["n"]:
        rows.append(
            Waiting(
                icon="user-check",
                title=f"{n} request{'s' if n > 1 else ''} to approve or deny",
                text="Whoever asked waits for your word; nothing is let through without it",
                href=reverse("approvals:request_tab", args=["waiting"]),
                due_at=waiting["due"],
            )
        )
    if to_place:
        rows.append(
            Waiting(
                icon="plug-connected",
                title=f"{to_place} approved request{'s' if to_place > 1 else ''} to put in place",
                text="Grant it in its system exactly as approved, then say so with proof",
                href=reverse("approvals:request_tab", args=["to-place"]),
            )
        )
    unused = visible.with_open_proposal(actor).count()
    if unused:
        rows.append(
            Waiting(
                icon="zzz",
                title=f"{unused} approved access{'es' if unused > 1 else ''} to keep or remove",
                text="Nobody is known to use it: keep it with a reason, or order its removal",
                href=reverse("approvals:request_tab", args=["unused"]),
            )
        )
    return rows


def _emergencies(actor: Person) -> list[Waiting]:
    """Break-glass uses that this person may review: the rule is `can_review_use`."""
    return [
        Waiting(
            icon="clipboard-check",
            title=f"To review: {use}",
            text=f"{use.taken_by} took it by break-glass; somebody else says whether it had to be",
            href=use.get_absolute_url(),
            due_at=use.review_due_at,
        )
        for use in uses_to_review(actor)
    ]


def _questions(actor: Person) -> list[Waiting]:
    answered = ItemNote.objects.filter(answers=OuterRef("pk"))
    questions = (
        ItemNote.objects.filter(
            ~Exists(answered),
            kind=NoteKind.QUESTION,
            addressee=actor.user,
            item__campaign__state=CampaignState.RUNNING,
            item__state=ItemState.OPEN,
        )
        .select_related("item__campaign", "author")
        .order_by("pk")[:20]
    )
    return [
        Waiting(
            icon="message-question",
            title=f"{note.author} asks about {note.item.label}",
            text=note.text[:140],
            href=note.item.get_absolute_url(),
            due_at=note.item.campaign.deadline_at,
        )
        for note in questions
    ]


def _attestations(actor: Person) -> list[Waiting]:
    given = ItemNote.objects.filter(item=OuterRef("pk"), kind=NoteKind.ATTESTATION)
    rows = (
        ReviewItem.objects.waiting()
        .filter(~Exists(given), attester=actor.user, campaign__state=CampaignState.RUNNING)
        .exclude(reviewer=actor.user)
        .values("campaign", "campaign__name", "campaign__deadline_at")
        .annotate(n=Count("pk"))
        .order_by("campaign__deadline_at")
    )
    return [
        Waiting(
            icon="writing-sign",
            title=row["campaign__name"],
            text=f"Say in your own words why {row['n']} write "
            f"grant{'s are' if row['n'] > 1 else ' is'} needed",
            href=reverse("reviews:bench_owner", args=[row["campaign"]]),
            due_at=row["campaign__deadline_at"],
        )
        for row in rows
    ]


def _orders(actor: Person) -> list[Waiting]:
    orders = Order.objects.visible_to(actor)
    to_do = orders.waiting_for("carry-out").count()
    to_confirm = orders.confirmable_by(actor).count()
    rows = []
    if to_do:
        rows.append(
            Waiting(
                icon="tool",
                title=f"{to_do} removal{'s' if to_do > 1 else ''} to carry out",
                text="The access is still in force until somebody removes it in its system",
                href=reverse("remediation:order_list", query={"waits": "carry-out"}),
            )
        )
    if to_confirm:
        rows.append(
            Waiting(
                icon="checks",
                title=f"{to_confirm} removal{'s' if to_confirm > 1 else ''} to confirm",
                text="Somebody else carried them out; look whether the access is gone",
                href=reverse("remediation:order_list", query={"waits": "confirm-by-me"}),
            )
        )
    return rows


def _rotations(actor: Person) -> list[Waiting]:
    """Rotations that go no further without this person."""
    waiting = Rotation.objects.visible_to(actor).waiting_for(actor)
    found = waiting.aggregate(n=Count("pk"), due=Min("due_at"))
    if not (n := found["n"]):
        return []
    return [
        Waiting(
            icon="refresh",
            title=f"{n} rotation{'s' if n > 1 else ''} to carry out",
            text="The old secret works on until a new one is in its place",
            href=reverse("rotation:rotation_list", query={"mine": "on"}),
            due_at=found["due"],
        )
    ]


def _holds(actor: Person) -> list[Waiting]:
    holds = (
        Hold.objects.filter(state=HoldState.HELD)
        .exclude(placed_by=actor.user)
        .select_related("campaign")
    )
    return [
        Waiting(
            icon="hand-stop",
            title=f"{hold.campaign.name} is held",
            text=f"{hold.count} consequences, {hold.share_percent} % of the population, wait for "
            "a second person",
            href=hold.campaign.get_absolute_url(),
        )
        for hold in holds
    ]


def _erasures(actor: Person) -> list[Waiting]:
    """Words that somebody else asked to erase: who asks never decides."""
    rows = Erasure.objects.visible_to(actor).waiting()
    found = rows.exclude(asked_by=actor.user).aggregate(n=Count("pk"))
    if not (n := found["n"]):
        return []
    return [
        Waiting(
            icon="eraser",
            title=f"{n} erasure{'s' if n > 1 else ''} to approve or refuse",
            text="Somebody asked to erase what an agent said; it stays until you agree",
            href=reverse("activity:erasure_list", query={"state": ErasureState.ASKED}),
        )
    ]


def _campaigns_to_move(actor: Person) -> list[Waiting]:
    words = {
        CampaignState.STAGED: "Staged: look it over and launch it",
        CampaignState.STAGING_FAILED: "Staging failed",
        CampaignState.VERIFYING: "Every order is settled: close it",
        CampaignState.CLOSED: "Closed: a manager acknowledges it",
    }
    campaigns = Campaign.objects.visible_to(actor).filter(state__in=words).order_by("-pk")[:10]
    return [
        Waiting(
            icon="flag",
            title=campaign.name,
            text=words[CampaignState(campaign.state)],
            href=campaign.get_absolute_url(),
        )
        for campaign in campaigns
    ]


def nav_counts_for(actor: Actor) -> dict[str, tuple[int, str]]:
    """How many things wait behind a place in the navigation, and what is counted."""
    counts = {}
    if isinstance(actor, Person) and actor.role in {Role.REVIEWER, Role.STEWARD}:
        items = ReviewItem.objects.assigned_to(actor).waiting()
        items = items.filter(campaign__state=CampaignState.RUNNING)
        counts["reviews-campaign_list"] = items.count(), "to decide"
        requests = AccessRequest.objects.waiting_for(actor.user)
        judged = len(requests.values_list("pk")[:1000])
        counts["approvals-request_list"] = judged, "to approve or deny"
    standing = Finding.objects.visible_to(actor).standing().filter(severity_rank__gte=2)
    found = len(standing.values_list("pk")[:1000])
    counts["findings-finding_list"] = found, "high or critical"
    waiting = Order.objects.visible_to(actor).filter(state=OrderState.MANUAL_NEEDED)
    ordered = len(waiting.values_list("pk")[:1000])
    counts["remediation-order_list"] = ordered, "to be carried out or confirmed"
    return counts
