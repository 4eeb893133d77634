"""The control calendar: which occurrences of a review are due, held, late, or missed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from apps.core.actors import Actor
from apps.reviews.models import Campaign, Template
from apps.reviews.recurrence import occurrences
from apps.reviews.states import CampaignState

LATE_AFTER = timedelta(days=7)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time a review should be held. `state` is held, late, due, missed, or coming."""

    template: Template
    at: datetime
    state: str
    campaign: Campaign | None
    why: str

    @property
    def label(self) -> str:
        return STATES[self.state]

    def get_state_display(self) -> str:
        return self.label


STATES = {
    "held": "Held",
    "late": "Held late",
    "due": "Due",
    "missed": "Missed",
    "coming": "Coming",
}


def due_occurrence(template: Template, moment: datetime) -> datetime | None:
    """The newest occurrence that has come and has no campaign yet. Older ones were missed."""
    if not template.recurrence or template.starts_on is None:
        return None
    newest = None
    for occurrence in _between(template, EARLIEST, moment):
        newest = occurrence
    taken = Campaign.objects.filter(template=template, occurrence_at=newest)
    return None if newest is None or taken.exists() else newest


def occurrences_of(
    template: Template, after: datetime, until: datetime, now: datetime
) -> list[Occurrence]:
    """Each occurrence in a span, with what became of it."""
    held = {
        campaign.occurrence_at: campaign
        for campaign in template.campaigns.all()
        if campaign.occurrence_at is not None
    }
    moments = list(_between(template, after, until + LATE_AFTER * 60))
    return [
        _occurrence(template, at, moments[position + 1 : position + 2], held, now)
        for position, at in enumerate(moments)
        if at <= until
    ]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Every occurrence of every template in a span, oldest first."""

    occurrences: list[Occurrence]

    def counts(self) -> list[tuple[str, str, int]]:
        """Each state with its word and how many."""
        states = [occurrence.state for occurrence in self.occurrences]
        return [(state, label, states.count(state)) for state, label in STATES.items()]

    def months(self, state: str = "") -> list[tuple[datetime, list[Occurrence]]]:
        """The occurrences by month, newest month last; of one state where one is named."""
        shown = [one for one in self.occurrences if not state or one.state == state]
        by_month = groupby(shown, key=lambda one: (one.at.year, one.at.month))
        grouped = [list(group) for _, group in by_month]
        return [(group[0].at, group) for group in grouped]


def calendar_of(actor: Actor, after: datetime, until: datetime, now: datetime) -> Calendar:
    templates = (
        Template.objects.visible_to(actor)
        .standing()
        .exclude(recurrence="")
        .prefetch_related("campaigns")
        .order_by("name")
    )
    told = [
        occurrence
        for template in templates
        for occurrence in occurrences_of(template, after, until, now)
    ]
    return Calendar(sorted(told, key=lambda one: (one.at, one.template.name)))


def _between(template: Template, after: datetime, until: datetime) -> Iterator[datetime]:
    if not template.recurrence or template.starts_on is None:
        return iter(())
    return occurrences(template.recurrence, template.starts_on, template.time_zone, after, until)


def _occurrence(
    template: Template,
    at: datetime,
    following: list[datetime],
    held: Mapping[datetime, Campaign],
    now: datetime,
) -> Occurrence:
    campaign = held.get(at)
    state, why = _judged(at, following, campaign, now)
    return Occurrence(template, at, state, campaign, why)


def _judged(
    at: datetime, following: list[datetime], campaign: Campaign | None, now: datetime
) -> tuple[str, str]:
    if at > now:
        return "coming", ""
    over = bool(following) and following[0] <= now
    if campaign is None:
        missed = "No campaign was made before the next was due."
        return ("missed", missed) if over else ("due", "No campaign has been made yet.")
    if campaign.launched_at is None:
        return _never_launched(campaign, over=over)
    if campaign.state == CampaignState.CANCELLED:
        return "missed", f"It was cancelled: {campaign.cancel_reason}"
    if campaign.launched_at > at + LATE_AFTER:
        return "late", f"It was launched {(campaign.launched_at - at).days} days after it was due."
    return "held", ""


def _never_launched(campaign: Campaign, *, over: bool) -> tuple[str, str]:
    if campaign.state == CampaignState.CANCELLED:
        return "missed", f"It was cancelled: {campaign.cancel_reason}"
    if over:
        return "missed", "It was never launched."
    return "due", f"It is {campaign.get_state_display().lower()}, and not launched."
