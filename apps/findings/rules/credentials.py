from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, Expression, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, ExtractDay, Now

from apps.activity.models import Stream, UseHour
from apps.core.preferences import preference
from apps.findings.rules.base import TEXT, Rule, accountable_agent, sentence, words
from apps.findings.states import Severity
from apps.inventory.models import Binding, Credential
from apps.inventory.states import STATIC_KINDS, StoredIn


def described(rows: QuerySet, detail: Expression) -> QuerySet:
    described: QuerySet = rows.annotate(
        finding_label=Concat("identity__name", words(" · "), "external_id", output_field=TEXT),
        for_agent=accountable_agent("identity__"),
        for_system=F("identity__system_id"),
        finding_detail=detail,
    )
    return described


def _days_since(field: str) -> Cast:
    return Cast(ExtractDay(Now() - F(field)), TEXT)


class LongLivedCredential(Rule):
    key = "credential-long-lived"
    title = "Long-lived credential"
    why = "The older a static secret is, the more copies exist; a stolen one works for as long."
    mend = "Rotate it, or replace it with a managed or short-lived credential."
    severity = Severity.HIGH
    owasp = "NHI7:2025 Long-Lived Secrets"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        before = now - timedelta(days=preference("static_key_days"))
        rows = Credential.objects.standing().filter(
            Q(rotated_at__isnull=True) | Q(rotated_at__lt=before),
            kind__in=STATIC_KINDS,
            issued_at__lt=before,
        )
        detail = Concat(_days_since("issued_at"), words(" days old"), output_field=TEXT)
        return described(rows, detail)


class RotationOverdue(Rule):
    key = "credential-rotation-overdue"
    title = "Rotation overdue"
    why = "It was to be rotated by now, and was not: a copy taken long ago still works."
    mend = "Rotate it from its page, or say on it how often it is really to be rotated."
    severity = Severity.MEDIUM
    owasp = "NHI7:2025 Long-Lived Secrets"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        """Only by an interval of its own: what the house's rule finds is a long-lived one."""
        rows = Credential.objects.rotation_due(None, now).filter(rotation_days__isnull=False)
        late = Concat(_days_since("rotation_due_at"), words(" days overdue"), output_field=TEXT)
        return described(rows, late)


class EndlessCredential(Rule):
    key = "credential-without-end"
    title = "Credential that neither expires nor rotates"
    why = "Nothing ever ends it: once stolen, it works until somebody notices."
    mend = "Give it an expiry or a rotation policy, or replace it with a managed credential."
    severity = Severity.MEDIUM
    owasp = "NHI7:2025 Long-Lived Secrets"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        rows = Credential.objects.never_expires_or_rotates()
        return described(rows, words("No expiry and no rotation policy"))


class UnusedCredential(Rule):
    key = "credential-unused"
    title = "Unused credential"
    why = "Nobody would notice if it were used by somebody else, and nobody needs it."
    mend = "Revoke it. Nothing has used it for longer than the threshold."
    severity = Severity.MEDIUM
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        before = now - timedelta(days=preference("unused_credential_days"))
        whole = Stream.objects.filter(
            complete_from__lte=before,
            complete_until__gte=now - timedelta(hours=preference("stale_after_hours")),
        )
        # Not every log names what was signed in with: one that never named it tells nothing.
        is_named = Exists(UseHour.objects.filter(credential_id=OuterRef("pk")))
        is_logged = Q(identity__system__in=whole.values("system")) & is_named
        rows = Credential.objects.standing().filter(
            Q(last_used_at__lt=before) | Q(last_used_at__isnull=True, issued_at__lt=before),
            Q(use_is_known=True) | is_logged,
        )
        told_by = Case(
            When(use_is_known=True, then=Value("as its source tells")),
            default=Value("as the system's log tells"),
        )
        return described(rows, sentence("Not used within the threshold, ", told_by))


class SharedCredential(Rule):
    key = "credential-shared"
    title = "Shared credential"
    why = "What it did cannot be tied to one agent, and ending it for one ends it for all."
    mend = "Give each agent an identity and a credential of its own."
    severity = Severity.HIGH
    owasp = "NHI9:2025 NHI Reuse"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        """Two sets joined: as one condition with `or`, each row would be looked up by itself."""
        of_several_agents = (
            Binding.objects.live()
            .order_by()
            .values("identity")
            .annotate(agents=Count("agent", distinct=True))
            .filter(agents__gt=1)
            .values("identity")
        )
        kept_twice = (
            Credential.objects.standing()
            .exclude(fingerprint="")
            .order_by()
            .values("fingerprint")
            .annotate(times=Count("pk"))
            .filter(times__gt=1)
            .values("fingerprint")
        )
        standing = Credential.objects.standing().order_by()
        shared = (
            standing.filter(identity__in=of_several_agents)
            .values("pk")
            .union(standing.filter(fingerprint__in=kept_twice).values("pk"))
        )
        rows = Credential.objects.filter(pk__in=shared)
        return described(rows, words("Used by more than one agent or system"))


class ExpiredCredential(Rule):
    key = "credential-expired-present"
    title = "Expired but present"
    why = (
        "Its date has passed and it is still there: either the date is wrong, or nobody cleans up."
    )
    mend = "Delete it in its system, or correct the date."
    severity = Severity.LOW
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        rows = Credential.objects.filter(gone_at__isnull=True, expires_at__lt=now).exclude(
            state__in=("revoked", "verified")
        )
        return described(rows, words("Its expiry has passed and its source still shows it"))


class CredentialInCode(Rule):
    key = "credential-in-code"
    title = "Secret kept in code"
    why = "Whoever reads the repository, its history, or a build log has it."
    mend = "Move it to a secret manager, rotate it, and say where it is kept now."
    severity = Severity.CRITICAL
    owasp = "NHI2:2025 Secret Leakage"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        rows = Credential.objects.standing().filter(stored_in=StoredIn.CODE)
        return described(rows, words("Its secret is stored in code"))
