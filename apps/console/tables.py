from datetime import datetime

import django_tables2 as tables

from apps.audit.models import AuditEntry
from apps.core.tables import Table, TemplateColumn


class RecordTable(Table):
    occurred_at = TemplateColumn(template_name="console/record_time_cell.html", verbose_name="When")
    actor_label = tables.Column(verbose_name="Who")
    verb = tables.Column(accessor="get_verb_display", verbose_name="Did what")
    target_label = TemplateColumn(
        template_name="console/record_subject_cell.html", verbose_name="To which record"
    )
    channel = tables.Column(accessor="get_channel_display", verbose_name="Through")
    reason = tables.Column()
    target_type = tables.Column(verbose_name="Kind of record")
    request_id = tables.Column(verbose_name="Request")

    class Meta(Table.Meta):
        model = AuditEntry
        fields = [
            "occurred_at",
            "actor_label",
            "verb",
            "target_label",
            "channel",
            "reason",
            "target_type",
            "request_id",
        ]
        sortable = {"occurred_at": ("occurred_at",)}
        order_by = "-occurred_at"
        extra = ("target_type", "request_id")
        empty_text = "No entries match."

    def value_occurred_at(self, value: datetime) -> datetime:
        return value

    def value_target_label(self, value: str) -> str:
        return value
