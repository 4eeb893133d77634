from collections.abc import Sequence
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from apps.activity.models import Erasure, EventRow, Invocation
from apps.activity.states import BAD, Told
from apps.core.cells import link
from apps.core.links import record_href
from apps.core.tables import (
    LevelColumn,
    MomentColumn,
    MonoColumn,
    NumberColumn,
    PersonColumn,
    RecordColumn,
    StateColumn,
    Table,
    TemplateColumn,
)
from apps.core.templatetags.countersign import icon
from apps.inventory.models import Agent

HIDDEN_RUN = mark_safe('<span class="text-secondary">one that you may not open</span>')
NOT_KNOWN = mark_safe('<span class="text-secondary">not known</span>')
NOTHING = mark_safe('<span class="text-secondary">nothing</span>')


class OutcomeColumn(tables.Column):
    """How it ended; what did not end well is seen from afar."""

    def render(self, value: str, record: Any) -> str:
        if record.outcome not in BAD:
            return value
        return format_html('<span class="text-danger">{} {}</span>', icon("alert-triangle"), value)

    def value(self, record: Any) -> str:
        told: str = record.get_outcome_display()
        return told


class AgentColumn(tables.Column):
    """Whose it is, by `agent_name`; of an agent that nobody knows, what it calls itself."""

    empty_values: Sequence[Any] = ()

    def render(self, record: Any) -> str:
        if record.agent_name:
            known = getattr(record, "teller", None) or record.agent_id
            href = record_href("console:agent_detail", known)
            return link(href, record.agent_name)
        claimed = getattr(record, "claimed_agent", "")
        said = f", says it is {claimed}" if claimed else ""
        return format_html('<span class="text-secondary">Unknown agent{}</span>', said)

    def value(self, record: Any) -> str:
        named: str = record.agent_name or getattr(record, "claimed_agent", "")
        return named


class InvocationTable(Table):
    started_at = MomentColumn(verbose_name="Began")
    name = RecordColumn(verbose_name="Invocation")
    agent = AgentColumn(accessor="agent_id", verbose_name="Agent")
    outcome = OutcomeColumn(verbose_name="Outcome")
    actions = NumberColumn(verbose_name="Actions")
    proven = NumberColumn(verbose_name="Proven calls")
    near = NumberColumn(verbose_name="Calls near it")
    errors = NumberColumn(verbose_name="Failed")
    anomalies = NumberColumn(verbose_name="Flagged")
    trace_id = MonoColumn(verbose_name="Trace")
    conversation = MonoColumn(verbose_name="Conversation")

    class Meta(Table.Meta):
        model = Invocation
        fields = [
            "started_at",
            "name",
            "agent",
            "outcome",
            "actions",
            "proven",
            "near",
            "errors",
            "anomalies",
            "trace_id",
            "conversation",
        ]
        sortable = {"started_at": ("started_at",)}
        order_by = "-started_at"
        extra = ("near", "trace_id", "conversation")
        empty_text = "No invocations match."


class RowTable(Table):
    """What calls and deeds both show. The time is that of the system, or of the agent."""

    happened_at = MomentColumn(verbose_name="When")
    name = tables.Column(verbose_name="What", empty_values=())
    level = LevelColumn(verbose_name="Level")
    outcome = OutcomeColumn(verbose_name="Outcome")
    run = tables.Column(accessor="run_id", verbose_name="Run", empty_values=())
    leaf_index = NumberColumn(verbose_name="Place in the log")

    class Meta(Table.Meta):
        model = EventRow
        fields = ["happened_at", "name", "level", "outcome", "run", "leaf_index"]
        sortable = {"happened_at": ("happened_at",)}
        order_by = "-happened_at"
        extra: Sequence[str] = ("leaf_index",)

    def render_name(self, record: EventRow) -> str:
        named = link(record.get_absolute_url(), record.name, "mono text-break")
        if not record.target:
            return named
        target = '{} <span class="text-secondary text-break">{}</span>'
        return format_html(target, named, record.target)

    def render_run(self, record: Any) -> str:
        if record.run_id:
            href = record_href("activity:invocation_detail", record.run_id)
            return link(href, record.run_name or "Invocation")
        return HIDDEN_RUN if getattr(record, "joined_by", "") else ""

    def value_name(self, record: EventRow) -> str:
        return f"{record.name} {record.target}".strip()

    def value_run(self, record: Any) -> str:
        return record.run_name or ""


class CallTable(RowTable):
    identity = tables.Column(accessor="identity_id", verbose_name="As identity", empty_values=())
    joined = tables.Column(accessor="joined_by", verbose_name="Joined to a run by", empty_values=())
    address = MonoColumn(verbose_name="From")
    client = MonoColumn(verbose_name="Client", accessor="client")

    class Meta(RowTable.Meta):
        fields = [
            "happened_at",
            "name",
            "level",
            "outcome",
            "identity",
            "address",
            "joined",
            "run",
            "client",
            "leaf_index",
        ]
        sequence = fields
        extra = ("client", "leaf_index")
        empty_text = "No API calls match."

    def render_identity(self, record: Any) -> str:
        if not record.identity_name:
            return NOT_KNOWN
        href = record_href("inventory:identity_detail", record.identity_id)
        return link(href, record.identity_name)

    def render_joined(self, record: Any) -> str:
        if not record.joined_by:
            return NOTHING
        badge = '<span class="badge confidence-{}">{}</span>'
        return format_html(badge, record.confidence, record.joined_by)

    def value_identity(self, record: Any) -> str:
        return record.identity_name or ""

    def value_joined(self, record: EventRow) -> str:
        return record.joined_by


class DeedTable(RowTable):
    agent = AgentColumn(accessor="agent_id", verbose_name="Agent")
    kind = tables.Column(verbose_name="Kind")

    class Meta(RowTable.Meta):
        fields = ["happened_at", "name", "kind", "level", "outcome", "agent", "run", "leaf_index"]
        sequence = fields
        empty_text = "No actions match."


class ReconstructionTable(Table):
    """Agents, each with its newest reconstruction check."""

    name = TemplateColumn(
        template_name="activity/reconstruction_agent_cell.html", verbose_name="Agent"
    )
    state = StateColumn()
    owner = PersonColumn()
    verdict = TemplateColumn(
        template_name="activity/reconstruction_verdict_cell.html",
        verbose_name="What it did",
        empty_values=(),
    )
    why = TemplateColumn(
        template_name="activity/reconstruction_why_cell.html",
        verbose_name="Not explained",
        empty_values=(),
    )
    signed_by_name = tables.Column(verbose_name="Signed by")
    signed_at = MomentColumn(verbose_name="Signed")
    due_on = TemplateColumn(
        template_name="activity/reconstruction_due_cell.html",
        verbose_name="Due again",
        empty_values=(),
    )

    class Meta(Table.Meta):
        model = Agent
        fields = [
            "name",
            "state",
            "owner",
            "verdict",
            "why",
            "signed_by_name",
            "signed_at",
            "due_on",
        ]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No agents match."

    def value_name(self, record: Agent) -> str:
        return str(record)

    def value_verdict(self, record: Any) -> str:
        return Told(record.verdict).label if record.verdict else "Never checked"

    def value_why(self, record: Any) -> str:
        reasons = (
            [] if record.trail_connected else ["no trail"],
            _named("calls that no run tells of", record.untold_as),
            ["actions that no system confirms"] if record.is_unconfirmed else [],
            _named("calls of one of several agents", record.shared_as),
        )
        return "; ".join(words for of_one in reasons for words in of_one)

    def value_due_on(self, record: Any) -> str:
        return f"{record.due_on:%Y-%m-%d}" if record.due_on else ""


class ErasureTable(Table):
    asked_at = MomentColumn(verbose_name="Asked")
    record_name = tables.Column(linkify=True, verbose_name="Record", empty_values=())
    agent_name = tables.Column(verbose_name="Agent")
    state = StateColumn()
    basis = tables.Column(verbose_name="By what right")
    asked_by = PersonColumn(verbose_name="Asked by")
    decided_by = PersonColumn(verbose_name="Decided by")
    erased_at = MomentColumn(verbose_name="Erased")

    class Meta(Table.Meta):
        model = Erasure
        fields = [
            "asked_at",
            "record_name",
            "agent_name",
            "state",
            "basis",
            "asked_by",
            "decided_by",
            "erased_at",
        ]
        sortable = {"asked_at": ("asked_at",)}
        order_by = "-asked_at"
        empty_text = "No erasures match."

    def render_record_name(self, record: Erasure) -> str:
        return f"{record.record_name or 'Without a name'} ({record.leaf_index})"


def _named(words: str, identities: list[dict[str, Any]]) -> list[str]:
    """A reason of each identity, with its name where there are several."""
    if len(identities) > 1:
        return [f"{words} as {identity['name']}" for identity in identities]
    return [words] * len(identities)
