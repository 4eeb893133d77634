from typing import Any

import django_tables2 as tables

from apps.activity.models import Invocation
from apps.activity.states import Told
from apps.core.tables import (
    MomentColumn,
    MonoColumn,
    NumberColumn,
    PersonColumn,
    StateColumn,
    Table,
)
from apps.inventory.models import Agent


class InvocationTable(Table):
    started_at = MomentColumn(verbose_name="Began")
    name = tables.TemplateColumn(
        template_name="activity/invocation_name_cell.html", verbose_name="Invocation"
    )
    agent = tables.TemplateColumn(
        template_name="activity/invocation_agent_cell.html",
        accessor="agent_id",
        verbose_name="Agent",
    )
    outcome = tables.TemplateColumn(
        template_name="activity/invocation_outcome_cell.html", verbose_name="Outcome"
    )
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

    def value_name(self, record: Invocation) -> str:
        return str(record)

    def value_agent(self, record: Invocation) -> str:
        return record.agent_name or record.claimed_agent

    def value_outcome(self, record: Invocation) -> str:
        return record.get_outcome_display()


class ReconstructionTable(Table):
    """Agents, each with its newest reconstruction check."""

    name = tables.TemplateColumn(
        template_name="activity/reconstruction_agent_cell.html", verbose_name="Agent"
    )
    state = StateColumn()
    owner = PersonColumn()
    verdict = tables.TemplateColumn(
        template_name="activity/reconstruction_verdict_cell.html",
        verbose_name="What it did",
        empty_values=(),
    )
    signed_by_name = tables.Column(verbose_name="Signed by")
    signed_at = MomentColumn(verbose_name="Signed")
    due_on = tables.TemplateColumn(
        template_name="activity/reconstruction_due_cell.html",
        verbose_name="Due again",
        empty_values=(),
    )

    class Meta(Table.Meta):
        model = Agent
        fields = ["name", "state", "owner", "verdict", "signed_by_name", "signed_at", "due_on"]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No agents match."

    def value_name(self, record: Agent) -> str:
        return str(record)

    def value_verdict(self, record: Any) -> str:
        return Told(record.verdict).label if record.verdict else "Never checked"

    def value_due_on(self, record: Any) -> str:
        return f"{record.due_on:%Y-%m-%d}" if record.due_on else ""
