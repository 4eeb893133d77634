"""What home shows: five questions, what waits, and what was not looked at."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.listing import Count, count_capped
from apps.findings.models import DailyFigure, Finding
from apps.findings.states import HOLDING
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential, Identity, Source, System
from apps.inventory.querysets.scope import reads_all_systems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

WEEK = timedelta(days=7)
CHECK_OVERDUE = "agent-reconstruction-overdue"
CHART_DAYS = 182


@dataclass(frozen=True, slots=True)
class Question:
    """One of the five, with a link to exactly the rows it counts. `change` is since a week ago."""

    text: str
    count: Count
    href: str
    under: str = ""
    change: int | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that was not looked at, and where to see it."""

    text: str
    href: str


def five_questions(actor: Actor) -> list[Question]:
    """The five questions over what the actor may see; six queries, each stopping at 10,000."""
    today = timezone.localdate()
    # Figures are kept of everything there is: beside a part of it they would mislead, and tell.
    changes = _changes_since(today - WEEK) if reads_all_systems(actor) else {}
    agents = Agent.objects.visible_to(actor).standing()
    shared = Finding.objects.visible_to(actor).standing().filter(rule="credential-shared")
    return [
        Question(
            "Which non-human identities do we have?",
            count_capped(Identity.objects.visible_to(actor).present()),
            _url("inventory:identity_list", present="true"),
            under="accounts that no person signs in with",
            change=changes.get("identities"),
            tone="plain",
        ),
        Question(
            "Which credentials never expire or rotate?",
            count_capped(Credential.objects.visible_to(actor).never_expires_or_rotates()),
            _url("inventory:credential_list", endless="true"),
            change=changes.get("endless_credentials"),
            tone="bad",
        ),
        Question(
            "Which are shared by more than one agent or system?",
            count_capped(shared),
            _url("findings:finding_list", rule="credential-shared", state=["open", "acknowledged"]),
            change=changes.get("shared_credentials"),
            tone="bad",
        ),
        Question(
            "Which write permissions has nobody justified?",
            count_capped(Grant.objects.visible_to(actor).unjustified(today)),
            _url("grants:grant_list", unjustified="true"),
            change=changes.get("unjustified_grants"),
            tone="bad",
        ),
        Question(
            "Whose recent activity can we not explain?",
            count_capped(agents.unexplained(actor)),
            _url("activity:reconstruction_list", unexplained="true"),
            under="agents with unexplained or shared calls, unconfirmed actions, or no trail",
            change=changes.get("agents_unexplained"),
            tone="unsure",
        ),
    ]


def _url(name: str, **query: Any) -> str:
    return reverse(name, query=query)


def _changes_since(day: date) -> dict[str, int]:
    """How each figure changed since a day; nothing for a figure that was not kept then."""
    kept = DailyFigure.objects.filter(day__in=[day, timezone.localdate()])
    values = {(figure.key, figure.day): figure.value for figure in kept}
    return {
        key: value - values[key, day]
        for (key, at), value in values.items()
        if at != day and (key, day) in values
    }


def not_looked_at(actor: Actor) -> list[Unseen]:
    """What the figures do not cover: stale sources, unmapped identities, systems without a log."""
    # The finding, not the condition: that one would be looked up for every identity there is.
    agentless = Finding.objects.visible_to(actor).holding().filter(rule="identity-without-agent")
    overdue = Finding.objects.visible_to(actor).holding().filter(rule=CHECK_OVERDUE)
    systems = System.objects.visible_to(actor).present()
    sources = Source.objects.visible_to(actor).stale_at(timezone.now())
    rows: Iterable[tuple[Count, str, str]] = [
        (count_capped(sources), "stale source", _url("connectors:source_list", stale="true")),
        (
            count_capped(agentless),
            "identity with no agent",
            _url("findings:finding_list", rule="identity-without-agent", state=list(HOLDING)),
        ),
        (
            count_capped(systems.filter(log_connected=False)),
            "system with no log connected",
            _url("inventory:system_list", log="none"),
        ),
        (
            count_capped(overdue),
            "overdue reconstruction check",
            _url("findings:finding_list", rule=CHECK_OVERDUE, state=list(HOLDING)),
        ),
    ]
    return [Unseen(_counted(count, what), href) for count, what, href in rows if count.value]


def _counted(count: Count, what: str) -> str:
    noun = what if count.value == 1 else _PLURAL[what]
    return f"{count} {noun}"


_PLURAL = {
    "stale source": "stale sources",
    "identity with no agent": "identities with no agent",
    "system with no log connected": "systems with no log connected",
    "overdue reconstruction check": "overdue reconstruction checks",
}


def justified_share(actor: Actor) -> dict[str, Any] | None:
    """The chart of home: write access with a standing justification, in percent per day.

    Only for who reads of every system: the figures are of all of them.
    """
    if not reads_all_systems(actor):
        return None
    since = timezone.localdate() - timedelta(days=CHART_DAYS)
    figures: QuerySet[DailyFigure] = DailyFigure.objects.filter(
        key__in=["justified_grants", "writing_grants"], day__gte=since
    ).order_by("day")
    by_day: dict[date, dict[str, int]] = {}
    for figure in figures:
        by_day.setdefault(figure.day, {})[figure.key] = figure.value
    days = [
        (day, values)
        for day, values in by_day.items()
        if len(values) == 2 and values["writing_grants"]
    ]
    if not days:
        return None
    newest = days[-1][1]
    return {
        "title": "Write access with a standing justification: "
        f"{newest['justified_grants']} of {newest['writing_grants']}",
        "unit": "%",
        "labels": [f"{day:%-d %b}" for day, _ in days],
        "series": [
            {
                "name": "Justified",
                "kind": "line",
                "tone": "keep",
                "values": [
                    round(100 * values["justified_grants"] / values["writing_grants"])
                    for _, values in days
                ],
            }
        ],
    }
