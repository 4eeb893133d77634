"""The contact log: who was written to about a campaign, or about single items of it."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from apps.notices.models import Notice
from apps.notices.querysets import NoticeQuerySet
from apps.reviews.models import Campaign, ReviewItem

ITEM = ReviewItem._meta.label_lower


def contacts_of(campaign: Campaign) -> NoticeQuerySet:
    """All mails of a campaign: invitations and reminders, questions, answers, reassignments.

    Whoever may see the whole campaign may see its log; callers decide that before they ask.
    """
    items = ReviewItem.objects.filter(campaign=campaign, pk=OuterRef("about_id"))
    of_item = Q(about_type=ITEM) & Exists(items)
    return Notice.objects.filter(_about(campaign.pk) | of_item).for_table()


def contacts_about(item: ReviewItem, asked: Iterable[int]) -> NoticeQuerySet:
    """The mails about one item, and those of its campaign to the people who were asked."""
    of_campaign = _about(item.campaign_id) & Q(recipient__in=asked)
    of_item = Q(about_type=ITEM, about_id=item.pk)
    return Notice.objects.filter(of_campaign | of_item).for_table()


def _about(campaign_id: int) -> Q:
    return Q(about_type=Campaign._meta.label_lower, about_id=campaign_id)
