from typing import Any

import django_tables2 as tables

from apps.activity.models import Erasure, Invocation
from apps.core.tables import (
    MomentColumn,
    MonoColumn,
    NumberColumn,
    PersonColumn,
    StateColumn,
    Table,
)


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
