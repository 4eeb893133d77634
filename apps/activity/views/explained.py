"""What systems recorded against what agents said: the figures, and the lists that they count."""

from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.activity import policies
from apps.activity.filters import CallFilterSet, DeedFilterSet
from apps.activity.models import UseHour
from apps.activity.selectors.coverage import coverage_of
from apps.activity.selectors.listed import calls_asked, deeds_asked
from apps.activity.tables import CallTable, DeedTable
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.inventory.models import Agent, Credential, Identity

PERIODS = (7, 30, 90)
SHOWN_BESIDE = 30


@require_GET
@page(policies.can_browse)
def call_list(request: Request) -> HttpResponse:
    asked = calls_asked(request.actor, request.GET)
    return render_listing(
        request,
        "activity/call_list.html",
        rows=asked.rows,
        table_class=CallTable,
        filterset_class=CallFilterSet,
        context={
            "since": asked.since,
            "empty_title": "No API call of that time" if asked.is_narrowed else "Whose API calls?",
            "empty_text": "No log that is here holds one."
            if asked.is_narrowed
            else "Open this list from an agent, an identity, a credential, or a system.",
            "empty_icon": "plug-connected",
        },
        csv_name="api-calls",
    )


@require_GET
@page(policies.can_browse)
def deed_list(request: Request) -> HttpResponse:
    asked = deeds_asked(request.actor, request.GET)
    return render_listing(
        request,
        "activity/deed_list.html",
        rows=asked.rows,
        table_class=DeedTable,
        filterset_class=DeedFilterSet,
        context={
            "since": asked.since,
            "empty_title": "Nothing told of that time" if asked.is_narrowed else "Which agent's?",
            "empty_text": "The agent said of no action that it did one."
            if asked.is_narrowed
            else "Open this list from an agent.",
            "empty_icon": "message-off",
        },
        csv_name="told-actions",
    )


@require_GET
@page(policies.can_browse)
def agent_explained(request: Request, pk: int) -> HttpResponse:
    """By day, system, and identity: what is explained of an agent, and what is not."""
    agent = get_object_or_404(Agent.objects.visible_to(request.actor), pk=pk)
    days = _days(request)
    until = timezone.now()
    return render_page(
        request,
        "activity/agent_explained.html",
        {
            "agent": agent,
            "days": days,
            "periods": PERIODS,
            "coverage": coverage_of(agent, _day_ago(until, days - 1), until, request.actor),
        },
    )


@require_GET
@page(policies.can_browse)
def identity_calls(request: Request, pk: int) -> HttpResponse:
    """How often an identity was used of late, as a region of its page."""
    identity = get_object_or_404(Identity.objects.visible_to(request.actor), pk=pk)
    return _calls_panel(request, "identity", identity)


@require_GET
@page(policies.can_browse)
def credential_calls(request: Request, pk: int) -> HttpResponse:
    """How often a credential was used of late, as a region of its page."""
    rows = Credential.objects.visible_to(request.actor).select_related("identity")
    return _calls_panel(request, "credential", get_object_or_404(rows, pk=pk))


def _calls_panel(request: Request, what: str, subject: Identity | Credential) -> HttpResponse:
    start = _day_ago(timezone.now(), SHOWN_BESIDE)
    identity = subject if isinstance(subject, Identity) else subject.identity
    visible = UseHour.objects.visible_to(request.actor)
    rows = visible.filter(**{f"{what}_id": subject.pk}).between(start, timezone.now())
    return render_page(
        request,
        "activity/calls_panel.html",
        {
            "subject": subject,
            "what": what,
            "href": reverse(
                "activity:call_list", query={what: subject.pk, "start": start.isoformat()}
            ),
            "use": rows.totalled(),
            "system": identity.system,
            "has_log": identity.system.logs.exists(),
        },
        regions=["calls-panel"],
    )


def _days(request: Request) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(one) for one in PERIODS} else PERIODS[0]


def _day_ago(now: datetime, days: int) -> datetime:
    """The beginning of the reader's day that many days ago."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=days)
