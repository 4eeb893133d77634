import django_tables2 as tables

from apps.approvals.models import AccessRequest, BreakGlass
from apps.core.tables import LevelColumn, MomentColumn, PersonColumn, StateColumn, Table


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


class BreakGlassTable(Table):
    label = tables.Column(linkify=True, verbose_name="Access")
    level = LevelColumn()
    state = StateColumn()
    taken_by = PersonColumn(verbose_name="Taken by")
    taken_at = MomentColumn(verbose_name="Taken")
    ended_at = MomentColumn(verbose_name="Ended")
    reviewed_by = PersonColumn(verbose_name="Reviewed by")

    class Meta(Table.Meta):
        model = BreakGlass
        fields = ["label", "level", "state", "taken_by", "taken_at", "ended_at", "reviewed_by"]
        sortable = {"label": ("label",), "state": ("state",), "taken_at": ("taken_at",)}
        order_by = "-taken_at"
        empty_text = "No uses match."
