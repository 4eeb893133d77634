"""Rules over what systems recorded against what agents said. They read figures by the hour."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.urls import reverse

from apps.activity.models import DeedHour, UseHour
from apps.activity.settling import judged_since, settled_before
from apps.core.preferences import preference
from apps.findings.rules.access import NO_SYSTEM
from apps.findings.rules.base import Rule, identities, sentence
from apps.findings.states import Severity
from apps.inventory.models import Agent, Binding, Identity

UNEXPLAINED = F("calls") - F("proven")


def _times(now: datetime) -> tuple[datetime, datetime]:
    return judged_since(now), settled_before(now)


def _href(url_name: str, now: datetime, **query: Any) -> str:
    start, settled = _times(now)
    bounds = {"start": start.isoformat(), "end": settled.isoformat()}
    return reverse(url_name, query={**query, **bounds})


class UnexplainedCalls(Rule):
    key = "identity-unexplained"
    title = "API calls that no run tells of"
    why = "The system saw them, they can be tied to one agent, and the agent never said so."
    mend = "Have the agent tell all that it does, or find out who else uses its identity."
    severity = Severity.HIGH
    owasp = "NHI9:2025 NHI Reuse"
    subject = Identity

    def subjects(self, now: datetime) -> QuerySet:
        used = UseHour.objects.between(*_times(now)).filter(agent_id__isnull=False)
        most = (
            used.unexplained()
            .order_by()
            .values("identity_id")
            .annotate(n=Sum(UNEXPLAINED))
            .filter(n__gte=preference("unexplained_calls"))
        )
        rows = Identity.objects.filter(pk__in=most.values("identity_id"))
        return identities(
            rows,
            sentence(
                used.summed("identity_id", n=UNEXPLAINED),
                " of ",
                used.summed("identity_id", n=F("calls")),
                f" API calls of the last {preference('explained_days')} days are told by no run",
            ),
        )

    def counted_href(self, subject_id: int, now: datetime) -> str:
        asked = {"unexplained": "true", "attributed": "true"}
        return _href("activity:call_list", now, identity=subject_id, **asked)


class UnconfirmedActions(Rule):
    key = "agent-unconfirmed"
    title = "Actions that no system confirms"
    why = "The agent said that it did them, and the whole log of that system holds no such call."
    mend = "Look at its runs: it says what it did not do, or it did it by way of another identity."
    severity = Severity.MEDIUM
    owasp = "NHI9:2025 NHI Reuse"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        start, settled = _times(now)
        told = DeedHour.objects.between(start, settled)
        missed = told.missed(settled)
        rows = Agent.objects.filter(pk__in=missed.values("agent_id"))
        described: QuerySet = rows.annotate(
            finding_label=F("name"),
            for_agent=F("pk"),
            for_system=NO_SYSTEM,
            finding_detail=sentence(
                missed.summed("agent_id", n=F("unconfirmed")),
                " of ",
                told.summed("agent_id", n=F("deeds")),
                f" actions of the last {preference('explained_days')} days",
            ),
        )
        return described

    def counted_href(self, subject_id: int, now: datetime) -> str:
        return _href("activity:deed_list", now, agent=subject_id, unconfirmed="true")


class AttributionLost(Rule):
    key = "identity-attribution-lost"
    title = "What several agents did cannot be told apart"
    why = "They share one identity, and these calls cannot be tied to one of them."
    mend = "Give each agent an identity of its own, or have each carry its run's id along."
    severity = Severity.MEDIUM
    owasp = "NHI9:2025 NHI Reuse"
    subject = Identity

    def subjects(self, now: datetime) -> QuerySet:
        used = UseHour.objects.between(*_times(now))
        lost = used.of_nobody().filter(calls__gt=F("proven"))
        agents = (
            Binding.objects.live()
            .filter(identity=OuterRef("pk"))
            .order_by()
            .values("identity")
            .annotate(n=Count("agent", distinct=True))
            .values("n")
        )
        rows = Identity.objects.filter(pk__in=lost.values("identity_id"), binding_count__gt=1)
        return identities(
            rows,
            sentence(
                lost.summed("identity_id", n=UNEXPLAINED),
                " of ",
                used.summed("identity_id", n=F("calls")),
                f" API calls of the last {preference('explained_days')} days are of one of its ",
                Subquery(agents),
                " agents, and nobody can say of which",
            ),
        )

    def counted_href(self, subject_id: int, now: datetime) -> str:
        asked = {"unexplained": "true", "nobodys": "true"}
        return _href("activity:call_list", now, identity=subject_id, **asked)
