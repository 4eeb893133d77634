from typing import Any

import django_tables2 as tables

from apps.activity.models import Invocation
from apps.core.tables import MomentColumn, MonoColumn, NumberColumn, Table


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

    def value_agent(self, record: Any) -> str:
        named: str = record.agent_name or record.claimed_agent
        return named

    def value_outcome(self, record: Invocation) -> str:
        return record.get_outcome_display()
