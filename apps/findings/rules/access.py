from datetime import datetime

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    Expression,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast, Concat, Replace

from apps.findings.rules.base import TEXT, Rule, accountable_agent, identities, words
from apps.findings.states import Severity
from apps.grants.models import Grant, GrantStatement
from apps.grants.states import Level
from apps.inventory.models import Agent, Binding, Identity
from apps.inventory.selectors.readiness import GAPS
from apps.inventory.states import AgentState

# Admin on this many services of one account is admin over the account.
NEARLY_ALL_SERVICES = 50
NO_SYSTEM = Value(None, output_field=BigIntegerField())


def _grants(rows: QuerySet, detail: Expression) -> QuerySet:
    described: QuerySet = rows.annotate(
        finding_label=F("label"),
        for_agent=accountable_agent("identity__"),
        for_system=F("system_id"),
        finding_detail=detail,
    )
    return described


class UnjustifiedGrant(Rule):
    key = "grant-unjustified"
    title = "Write access without a standing justification"
    why = "Nobody has said why it is needed, or what was said no longer holds."
    mend = "Justify it with the task it serves, or order its removal."
    severity = Severity.HIGH
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Grant

    def subjects(self, now: datetime) -> QuerySet:
        rows = Grant.objects.unjustified(now.date())
        return _grants(rows, words("No justification stands for it"))


class EverythingAdmin(Rule):
    key = "grant-everything-admin"
    title = "Admin over everything"
    why = "Whoever acts as this identity can do anything there, and undo every other control."
    mend = "Narrow it to the actions that were really used."
    severity = Severity.CRITICAL
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Grant

    def subjects(self, now: datetime) -> QuerySet:
        """Shown once for an identity: a cloud account holds one grant for each of its services."""
        everything = GrantStatement.objects.filter(
            grant=OuterRef("pk"), effect="allow", actions__contains=["*"]
        )
        held = Grant.objects.present().filter(level=Level.ADMIN)
        nearly_all = (
            held.order_by()
            .values("identity")
            .annotate(services=Count("service", distinct=True))
            .filter(services__gte=NEARLY_ALL_SERVICES)
            .values("identity")
        )
        rows = held.filter(
            Q(service="*") | Exists(everything) | Q(service="iam", identity__in=nearly_all)
        )
        return _grants(rows, words("Every action of the system"))


class SharedIdentity(Rule):
    key = "identity-shared"
    title = "Identity bound to several agents, or inherited"
    why = "What it did cannot be told apart by agent; an inherited one carries another's access."
    mend = "Give each agent an identity of its own and end the other bindings."
    severity = Severity.HIGH
    owasp = "NHI9:2025 NHI Reuse"
    subject = Identity

    def subjects(self, now: datetime) -> QuerySet:
        live = Binding.objects.live().filter(identity=OuterRef("pk"))
        other = (
            Binding.objects.filter(identity=OuterRef("identity"))
            .exclude(agent=OuterRef("agent"))
            .filter(Q(ended_at__isnull=True) | Q(agent__state=AgentState.RETIRED))
        )
        rows = Identity.objects.present().filter(Exists(live.filter(Exists(other))))
        return identities(rows, words("More than one agent acts, or has acted, as it"))


class IdentityWithoutAgent(Rule):
    key = "identity-without-agent"
    title = "Identity with no agent"
    why = "Nobody answers for what it may do; it is not known what acts as it."
    mend = "Bind it to the agent that acts as it, or remove it."
    severity = Severity.MEDIUM
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Identity

    def subjects(self, now: datetime) -> QuerySet:
        live = Binding.objects.live().filter(identity=OuterRef("pk"))
        rows = Identity.objects.present().filter(~Exists(live), is_service_linked=False)
        return identities(rows, words("No agent is bound to it"))


def _agents(rows: QuerySet, detail: Expression) -> QuerySet:
    described: QuerySet = rows.annotate(
        finding_label=F("name"), for_agent=F("pk"), for_system=NO_SYSTEM, finding_detail=detail
    )
    return described


class AgentWithoutOwner(Rule):
    key = "agent-without-owner"
    title = "Agent without an active owner"
    why = "Nobody is accountable for what it is for, and nobody reviews its access."
    mend = "Name an owner who is still here."
    severity = Severity.HIGH
    owasp = "NHI1:2025 Improper Offboarding"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        rows = Agent.objects.standing().filter(Q(owner__isnull=True) | Q(owner__is_active=False))
        return _agents(rows, words("Nobody active answers for it"))


class AgentNotReady(Rule):
    key = "agent-not-ready"
    title = "Activated although something was missing"
    why = "It went live with a gap that somebody accepted with a reason; the gap is still open."
    mend = "Close what its readiness shows as missing."
    severity = Severity.MEDIUM
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        rows = Agent.objects.standing().exclude(activation_gaps=[]).exclude(state="proposed")
        return _agents(rows, Concat(words("Missing: "), _gaps_in_words(), output_field=TEXT))


def _gaps_in_words() -> Expression:
    """The JSON list of gap keys as a sentence's end, without looking at agents row by row."""
    said: Expression = Cast("activation_gaps", TEXT)
    for key, gap in GAPS.items():
        said = Replace(said, words(f'"{key}"'), words(gap))
    return Replace(Replace(said, words("["), words("")), words("]"), words(""))


class PurposeMissing(Rule):
    key = "agent-purpose-stale"
    title = "Purpose empty, or older than the agent's last change"
    why = "Access is judged against the purpose; one that does not fit the design explains nothing."
    mend = "Write the purpose as the agent is now, with its tasks."
    severity = Severity.MEDIUM
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Agent

    def subjects(self, now: datetime) -> QuerySet:
        rows = Agent.objects.standing().filter(
            Q(purpose="")
            | Q(purpose_changed_at__isnull=True, design_changed_at__isnull=False)
            | Q(purpose_changed_at__lt=F("design_changed_at"))
        )
        return _agents(rows, words("The purpose is empty, or older than the last change"))
