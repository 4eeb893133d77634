"""What looks wrong about access and approvals; imported when the app is ready."""

from datetime import datetime

from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Concat

from apps.approvals.models import AccessRequest, BreakGlass
from apps.approvals.selectors.found import brought_later, unexplained
from apps.approvals.states import RequestState
from apps.findings.rules.base import TEXT, Rule, accountable_agent, register, words
from apps.findings.states import Severity
from apps.grants.models import Grant


class BreakGlassUnreviewed(Rule):
    key = "break-glass-unreviewed"
    title = "Break-glass use that nobody reviewed"
    why = "Access that nobody approved was used, and nobody has said that it had to be."
    mend = "Somebody of security, or a steward, reviews it."
    severity = Severity.HIGH
    owasp = "NHI10:2025 Human Use of NHI"
    subject = BreakGlass

    def subjects(self, now: datetime) -> QuerySet:
        rows: QuerySet = BreakGlass.objects.review_overdue(now).annotate(
            finding_label=F("label"),
            for_agent=F("agent_id"),
            for_system=F("system_id"),
            finding_detail=Concat(words("Taken by "), "taken_by__display_name", output_field=TEXT),
        )
        return rows


class GrantUnrequested(Rule):
    key = "grant-unrequested"
    title = "Write access that no request explains"
    why = "It appeared in its source, and nobody approved it: it went past everybody who judges."
    mend = "Ask for its approval, or order its removal."
    severity = Severity.HIGH
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Grant

    def subjects(self, now: datetime) -> QuerySet:
        """What the first reading of a source brought is for reviews, and for its justification."""
        rows: QuerySet = brought_later(unexplained(Grant.objects.all()), now).annotate(
            finding_label=F("label"),
            for_agent=accountable_agent("identity__"),
            for_system=F("system_id"),
            finding_detail=words("Its source shows it, and nobody asked for it here"),
        )
        return rows


class RequestUnmeetable(Rule):
    key = "request-unmeetable"
    title = "Request that nobody may approve"
    why = "It waits for nobody, and whoever needs the access may look for another way to it."
    mend = "Write a policy that covers it, or name more people who may judge, and ask again."
    severity = Severity.MEDIUM
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = AccessRequest

    def subjects(self, now: datetime) -> QuerySet:
        uncovered = Q(state=RequestState.SUBMITTED)
        rows: QuerySet = AccessRequest.objects.filter(
            uncovered | Q(state=RequestState.PENDING, is_unmeetable=True)
        ).annotate(
            finding_label=F("label"),
            for_agent=F("agent_id"),
            for_system=F("system_id"),
            finding_detail=Case(
                When(uncovered, then=words("No policy covers it")),
                default=words("Not enough different people may approve it"),
                output_field=TEXT,
            ),
        )
        return rows


register(BreakGlassUnreviewed, GrantUnrequested, RequestUnmeetable)
