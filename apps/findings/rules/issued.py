"""Rules over what agents were issued for a while."""

from datetime import datetime

from django.db.models import F, QuerySet

from apps.findings.rules.base import Rule
from apps.findings.states import Severity
from apps.issuing.models import Issuance


class IssuedNotEnded(Rule):
    key = "issued-not-ended"
    title = "Issued credential that could not be ended"
    why = "The access that it was cut to has ended, and it may still open what it opened."
    mend = "Its page says what its system said: end it there by hand, or wait until it ends itself."
    severity = Severity.HIGH
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Issuance

    def subjects(self, now: datetime) -> QuerySet:
        rows: QuerySet = Issuance.objects.unended()
        told: QuerySet = rows.annotate(
            finding_label=F("label"),
            for_agent=F("agent_id"),
            for_system=F("identity__system_id"),
            finding_detail=F("trouble"),
        )
        return told
