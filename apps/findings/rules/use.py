"""Rules over measured use: what is held and not used, and what is used outside the purpose."""

from datetime import datetime, timedelta

from django.db.models import (
    Case,
    CharField,
    DateField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import DriftedCall, Invocation, Reconstruction
from apps.core.preferences import preference
from apps.findings.rules.access import NO_SYSTEM
from apps.findings.rules.base import TEXT, Rule, accountable_agent, words
from apps.findings.states import Severity
from apps.grants.models import Grant
from apps.inventory.models import Agent
from apps.inventory.states import AgentState


class UnusedGrant(Rule):
    key = "grant-unused"
    title = "Write access that is not used"
    why = "Nobody would miss it, and whoever takes the identity over would have it."
    mend = "Order its removal, or narrow it to what was used; its page tells what would break."
    severity = Severity.MEDIUM
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Grant

    def subjects(self, now: datetime) -> QuerySet:
        """Only where its use is known over the window, and only once it is older than that."""
        days = preference("measured_window_days")
        before = now - timedelta(days=days)
        rows: QuerySet = (
            Grant.objects.present()
            .writing()
            .filter(
                Q(last_used_at__lt=before) | Q(last_used_at__isnull=True),
                use_is_known=True,
                first_seen_at__lt=before,
                identity__is_service_linked=False,
            )
            .annotate(
                finding_label=F("label"),
                for_agent=accountable_agent("identity__"),
                for_system=F("system_id"),
                finding_detail=Case(
                    When(
                        use_is_logged=True,
                        then=words(f"Not used in {days} days, and the system's log is complete"),
                    ),
                    default=words(f"Not used in {days} days, as its source tells"),
                    output_field=TEXT,
                ),
            )
        )
        return rows


class PurposeDrift(Rule):
    key = "agent-purpose-drift"
    title = "Actions outside the tasks of the purpose"
    why = "It does what nobody said it is for: its purpose is out of date, or it is misused."
    mend = "Read what it did; then name the task that needs it, or take the access away."
    severity = Severity.MEDIUM
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        drifted = DriftedCall.objects.filter(agent_id=OuterRef("pk")).order_by()
        calls = _counted(drifted.filter(is_told=False))
        told = _counted(drifted.filter(is_told=True))
        newest = drifted.order_by("-last_at").values("name")[:1]
        rows: QuerySet = (
            Agent.objects.standing()
            .filter(Exists(drifted))
            .annotate(
                calls_outside=calls,
                told_outside=told,
                finding_label=F("name"),
                for_agent=F("pk"),
                for_system=NO_SYSTEM,
                finding_detail=Concat(
                    words("No task needs "),
                    Case(
                        When(calls_outside=0, then=words("")),
                        default=Concat(Cast(F("calls_outside"), TEXT), words(" of its API calls")),
                        output_field=TEXT,
                    ),
                    Case(
                        When(calls_outside__gt=0, told_outside__gt=0, then=words(", nor ")),
                        default=words(""),
                    ),
                    Case(
                        When(told_outside=0, then=words("")),
                        default=Concat(
                            Cast(F("told_outside"), TEXT), words(" of the actions it tells of")
                        ),
                        output_field=TEXT,
                    ),
                    words("; the newest: "),
                    Subquery(newest, output_field=CharField()),
                    output_field=TEXT,
                ),
            )
        )
        return rows

    def counted_href(self, subject_id: int, now: datetime) -> str:
        return reverse("activity:agent_standing", args=[subject_id])


class ReconstructionOverdue(Rule):
    key = "agent-reconstruction-overdue"
    title = "Reconstruction check overdue"
    why = "Nobody has said lately whether what it did can be told, from instruction to API call."
    mend = "Open its reconstruction check, read the figures, and sign them."
    severity = Severity.MEDIUM
    owasp = "NHI10:2025 Human Use of NHI"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        """Past its day; or never signed, so long after the agent first ran."""
        newest = Reconstruction.objects.newest_of(OuterRef("pk"))
        runs = Invocation.objects.filter(agent_id=OuterRef("pk")).order_by("started_at")
        before = now - timedelta(days=preference("reconstruction_due_days"))
        rows: QuerySet = (
            Agent.objects.filter(state=AgentState.ACTIVE)
            .annotate(
                due=Subquery(newest.values("due_on"), output_field=DateField()),
                began=Subquery(runs.values("started_at")[:1]),
            )
            .filter(
                Q(due__lt=timezone.localdate(now)) | Q(due__isnull=True, began__lt=before),
            )
            .annotate(
                finding_label=F("name"),
                for_agent=F("pk"),
                for_system=NO_SYSTEM,
                finding_detail=Case(
                    When(due__isnull=True, then=words("It runs, and was never checked")),
                    default=Concat(
                        words("It was due on "), Cast(F("due"), TEXT), output_field=TEXT
                    ),
                    output_field=TEXT,
                ),
            )
        )
        return rows


def _counted(drifted: QuerySet) -> Coalesce:
    times = drifted.values("agent_id").annotate(times=Sum("calls")).values("times")
    return Coalesce(Subquery(times), 0)
