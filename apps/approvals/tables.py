import django_tables2 as tables

from apps.approvals.models import AccessRequest
from apps.core.tables import LevelColumn, MomentColumn, StateColumn, Table


class RequestTable(Table):
    label = tables.Column(linkify=True, verbose_name="Request")
    level = LevelColumn()
    state = StateColumn()
    asked_by_label = tables.Column(verbose_name="Asked by")
    policy_name = tables.Column(verbose_name="Policy")
    submitted_at = MomentColumn(verbose_name="Asked")
    access_ends_at = MomentColumn(verbose_name="Access ends")
    ticket = tables.Column()

    class Meta(Table.Meta):
        model = AccessRequest
        fields = [
            "label",
            "level",
            "state",
            "asked_by_label",
            "policy_name",
            "submitted_at",
            "access_ends_at",
            "ticket",
        ]
        sortable = {
            "label": ("label",),
            "level": ("level",),
            "state": ("state",),
            "submitted_at": ("submitted_at",),
            "access_ends_at": ("access_ends_at",),
        }
        order_by = "-submitted_at"
        extra = ("policy_name", "access_ends_at", "ticket")
        empty_text = "No requests match."
