"""What looks wrong about emergencies; imported when the app is ready."""

from datetime import datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Concat

from apps.approvals.models import BreakGlass
from apps.findings.rules.base import TEXT, Rule, register, words
from apps.findings.states import Severity


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


register(BreakGlassUnreviewed)
