"""The mails of a campaign. Each is sent once: its key says to whom, about what, and when."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.links import public_url
from apps.notices.services import notice_send
from apps.reviews.models import Campaign, Hold, ReviewItem
from apps.reviews.selectors.asked import Asked
from apps.reviews.states import ItemState


def invite_reviewers(campaign: Campaign, actor: Actor) -> int:
    """Tell every reviewer how many items wait for them, and every attester what is asked."""
    told = 0
    for person, count in _open_items(campaign, "reviewer"):
        notice_send(
            kind="review-launched",
            recipient=person,
            about=campaign,
            subject=f"{_items(count)} to decide: {campaign.name}",
            body=(
                f"“{campaign.name}” asks you to decide {_items(count)} by"
                f" {deadline_told(campaign)}. {_silence(campaign)}"
                f"\n\n{_page('reviews:bench', campaign)}"
            ),
            dedupe_key=f"campaign:{campaign.pk}:launched:{person.pk}",
            actor=actor,
        )
        told += 1
    for person, count in _open_items(campaign, "attester"):
        notice_send(
            kind="review-attest",
            recipient=person,
            about=campaign,
            subject=f"Attest the need of {_items(count)}: {campaign.name}",
            body=(
                f"“{campaign.name}” reviews write or admin access of agents you own. Say in your"
                f" own words by {deadline_told(campaign)} why each is needed; your team's manager"
                f" decides.\n\n{_page('reviews:bench_owner', campaign)}"
            ),
            dedupe_key=f"campaign:{campaign.pk}:attest:{person.pk}",
            actor=actor,
        )
    return told


def remind(campaign: Campaign, people: Iterable[Asked], *, words: str, actor: Actor) -> None:
    """Tell each what they still have open; the key of the mail is of this day."""
    for one in people:
        said = f"{actor} writes: {words}\n\n" if words else ""
        notice_send(
            kind="review-reminder",
            recipient=one.person,
            about=campaign,
            subject=f"{one.in_words}: {campaign.name}",
            body=(
                f"“{campaign.name}” waits for you until {deadline_told(campaign)}:"
                f" {one.in_words}. {_silence(campaign)}"
                f"\n\n{said}{_page(one.page, campaign)}"
            ),
            dedupe_key=one.reminder_key,
            actor=actor,
        )


def announce_hold(hold: Hold, people: Iterable[User], actor: Actor) -> None:
    """Ask those who may look at a held batch to do so."""
    for person in people:
        notice_send(
            kind="review-held",
            recipient=person,
            about=hold.campaign,
            subject=f"A second person must look: {hold.campaign.name}",
            body=(
                f"At the deadline of “{hold.campaign.name}” {hold.count} items with write or admin"
                f" access had no answer, {hold.share_percent} % of the population. Nothing is"
                " ordered until a second person releases the batch or refuses it."
                f"\n\n{public_url(hold.campaign.get_absolute_url())}"
            ),
            dedupe_key=f"hold:{hold.pk}:placed:{person.pk}",
            actor=actor,
        )


def tell_runner(campaign: Campaign, *, kind: str, subject: str, body: str, actor: Actor) -> None:
    """Tell the person who runs the campaign that something waits for them."""
    notice_send(
        kind=kind,
        recipient=campaign.run_by,
        about=campaign,
        subject=f"{subject}: {campaign.name}",
        body=f"{body}\n\n{public_url(campaign.get_absolute_url())}",
        dedupe_key=f"campaign:{campaign.pk}:{kind}",
        actor=actor,
    )


_SILENCE = {"standard": "suspended", "revoke": "revoked"}
_SILENCE = {"standard": "suspended", "revoke": "revoked"}


def _page(name: str, campaign: Campaign) -> str:
    return public_url(reverse(name, args=[campaign.pk]))


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _silence(campaign: Campaign) -> str:
    """What the campaign's own policy does with what nobody answers."""
    return (
        "What is not decided then is never taken as approved: read access stays, uncertified;"
        f" write and admin access is ordered {_SILENCE[campaign.no_answer]}."
    )


def deadline_told(campaign: Campaign) -> str:
    """The deadline as the campaign's own clock shows it."""
    local = timezone.localtime(campaign.deadline_at, ZoneInfo(campaign.time_zone))
    return f"{local:%A, %-d %B %Y, %H:%M} ({campaign.time_zone})"


def _open_items(campaign: Campaign, role: str) -> list[tuple[User, int]]:
    rows = (
        ReviewItem.objects.filter(
            campaign=campaign, state=ItemState.OPEN, **{f"{role}__isnull": False}
        )
        .order_by()
        .values_list(role)
        .annotate(count=Count("pk"))
    )
    counts = dict(rows)
    people = User.objects.filter(pk__in=counts).order_by("pk")
    return [(person, counts[person.pk]) for person in people]
