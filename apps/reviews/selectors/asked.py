"""Who still has something open in a campaign: items to decide, needs to attest."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef
from django.utils import timezone

from apps.accounts.models import User
from apps.notices.models import Notice
from apps.reviews.models import Campaign, ItemNote, ReviewItem
from apps.reviews.states import NoteKind


@dataclass(frozen=True, slots=True)
class Asked:
    """One person with something open. `reminder_key` is that of today's reminder to them."""

    person: User
    to_decide: int
    to_attest: int
    reminder_key: str
    reminded_today: bool

    @property
    def page(self) -> str:
        """The name of the page on which they do it."""
        return "reviews:bench" if self.to_decide else "reviews:bench_owner"

    @property
    def in_words(self) -> str:
        parts = [
            f"{self.to_decide} item{'' if self.to_decide == 1 else 's'} to decide",
            f"{self.to_attest} need{'' if self.to_attest == 1 else 's'} to attest",
        ]
        counts = (self.to_decide, self.to_attest)
        return " and ".join(part for part, count in zip(parts, counts, strict=True) if count)


def people_asked(campaign: Campaign) -> list[Asked]:
    """Everybody with something open, by name, and whether they were reminded today."""
    items = ReviewItem.objects.waiting().filter(campaign=campaign).order_by()
    attested = ItemNote.objects.filter(
        item=OuterRef("pk"), kind=NoteKind.ATTESTATION, author=OuterRef("attester")
    )
    to_attest = items.filter(~Exists(attested), attester__isnull=False)
    to_attest = to_attest.exclude(attester=F("reviewer"))
    deciding = dict(items.values_list("reviewer").annotate(n=Count("pk")))
    attesting = dict(to_attest.values_list("attester").annotate(n=Count("pk")))
    people = User.objects.filter(pk__in={*deciding, *attesting}).order_by("display_name", "pk")
    today = timezone.localdate(timezone=ZoneInfo(campaign.time_zone))
    keys = {one.pk: f"campaign:{campaign.pk}:reminded:{today}:{one.pk}" for one in people}
    sent = set(
        Notice.objects.filter(dedupe_key__in=keys.values()).values_list("dedupe_key", flat=True)
    )
    return [
        Asked(
            person=one,
            to_decide=deciding.get(one.pk, 0),
            to_attest=attesting.get(one.pk, 0),
            reminder_key=keys[one.pk],
            reminded_today=keys[one.pk] in sent,
        )
        for one in people
    ]
