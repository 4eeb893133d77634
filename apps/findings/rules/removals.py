"""Rules over what was ended, what leaked, and the connections that should see to both."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.connectors.models import Connection
from apps.findings.rules.access import NO_SYSTEM
from apps.findings.rules.base import TEXT, Rule, words
from apps.findings.rules.credentials import described
from apps.findings.states import Severity
from apps.inventory.models import Agent, Credential, System
from apps.remediation.models import Leak, Order
from apps.remediation.states import GONE, OrderKind

LOOKED_BACK = timedelta(days=30)
CONFIRMED_WITHIN = timedelta(days=1)


class UsedAfterRevocation(Rule):
    key = "credential-used-after-revocation"
    title = "Used after revocation"
    why = "Somebody holds a credential that was ended and goes on trying it, or it never died."
    mend = "Look at what it did and from where; if it worked, its order was reopened: see to that."
    severity = Severity.CRITICAL
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        """By when it was found out: the log that tells of it may come long after the use."""
        told = AuditEntry.objects.filter(
            verb=Verb.ORDER_USED_AFTER, occurred_at__gte=now - LOOKED_BACK
        )
        found = Q(pk__in=told.values("target_id")) | Q(used_after_at__gte=now - LOOKED_BACK)
        used = Order.objects.in_force().filter(
            found, credential=OuterRef("pk"), used_after_at__isnull=False
        )
        rows = Credential.objects.filter(Exists(used))
        how = Subquery(used.order_by("-used_after_at").values("used_after_how")[:1])
        return described(rows, Coalesce(how, words(""), output_field=TEXT))


class LeakedCredential(Rule):
    key = "credential-leaked"
    title = "Leaked, and not dead yet"
    why = "It was found where others can read it, and it still works."
    mend = "Kill it now. What it made and did since is listed with its order."
    severity = Severity.CRITICAL
    owasp = "NHI2:2025 Secret Leakage"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        found = Leak.objects.filter(credential=OuterRef("pk"))
        ending = Order.objects.in_force().ending_credentials()
        # A suspension by hand is no end, so it bears no time of one; yet it does not work either.
        held_off = Q(kind=OrderKind.SUSPEND, state__in=GONE)
        stopped = ending.filter(Q(stopped_at__isnull=False) | held_off, credential=OuterRef("pk"))
        rows = Credential.objects.standing().filter(Exists(found)).exclude(Exists(stopped))
        where = Subquery(found.order_by("-pk").values("found_at")[:1])
        return described(rows, Coalesce(where, words(""), output_field=TEXT))


class KillUnconfirmed(Rule):
    key = "kill-unconfirmed"
    title = "A kill that nobody else confirmed"
    why = "One person alone ended access for good, and nobody else has looked at why."
    mend = "Another steward opens its order and confirms the kill, or undoes it."
    severity = Severity.HIGH
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Credential

    def subjects(self, now: datetime) -> QuerySet:
        unconfirmed = Order.objects.unconfirmed_since(now - CONFIRMED_WITHIN)
        rows = Credential.objects.filter(pk__in=unconfirmed.values("credential"))
        return described(rows, words("Killed more than a day ago, and not confirmed"))


class ConnectionFailing(Rule):
    key = "connection-failing"
    title = "Connection that stopped working"
    why = "What is there is not read, and what should be removed there is not removed from here."
    mend = "Open the connection and test it: it says which call was refused."
    severity = Severity.HIGH
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Connection

    def subjects(self, now: datetime) -> QuerySet:
        of_account = System.objects.filter(
            kind=OuterRef("kind"), account=OuterRef("accounts__0")
        ).order_by("pk")
        nobody = Subquery(Agent.objects.none().values("pk")[:1])
        rows: QuerySet = Connection.objects.reading().filter(failing_since__isnull=False)
        told: QuerySet = rows.annotate(
            finding_label=F("name"),
            for_agent=nobody,
            for_system=Coalesce(Subquery(of_account.values("pk")[:1]), NO_SYSTEM),
            finding_detail=F("problem"),
        )
        return told
