import django_tables2 as tables

from apps.core.tables import (
    MomentColumn,
    NumberColumn,
    PersonColumn,
    SeverityColumn,
    StateColumn,
    Table,
)
from apps.notices.models import Notice, Page, Route


class NoticeTable(Table):
    subject = tables.Column(linkify=True)
    address = tables.Column(verbose_name="To")
    status = StateColumn(accessor="delivery__status", verbose_name="Delivery")
    attempts = NumberColumn(accessor="delivery__attempts")
    created_at = MomentColumn(verbose_name="Written")
    sent_at = MomentColumn(accessor="delivery__sent_at", verbose_name="Handed over")
    by = tables.Column(verbose_name="By")
    kind = tables.Column()

    class Meta(Table.Meta):
        model = Notice
        fields = ["subject", "address", "status", "attempts", "created_at", "sent_at", "by", "kind"]
        sortable = {"created_at": ("created_at",)}
        order_by = "-created_at"
        extra = ("attempts", "by", "kind")
        empty_text = "No notice matches."


class PageTable(Table):
    subject = tables.Column(linkify=True)
    severity = SeverityColumn()
    state = StateColumn(attrs={"td": {"class": "is-page"}})
    team = tables.Column(default="none")
    sent_at = MomentColumn(verbose_name="Sent")
    acknowledged_by = PersonColumn(verbose_name="Acknowledged by")
    acknowledged_at = MomentColumn(verbose_name="Acknowledged")
    resolved_at = MomentColumn(verbose_name="Resolved")

    class Meta(Table.Meta):
        model = Page
        fields = [
            "subject",
            "severity",
            "state",
            "team",
            "sent_at",
            "acknowledged_by",
            "acknowledged_at",
            "resolved_at",
        ]
        sortable = {"sent_at": ("sent_at",)}
        order_by = "-sent_at"
        extra = ("acknowledged_at", "resolved_at")
        empty_text = "No page matches."


class RouteTable(Table):
    name = tables.Column(linkify=True)
    by = tables.Column(verbose_name="By")
    leads_to = tables.Column(accessor="leads_to", verbose_name="Leads to")
    created_at = MomentColumn(verbose_name="Made")
    retired_at = MomentColumn(verbose_name="Retired")

    class Meta(Table.Meta):
        model = Route
        fields = ["name", "by", "leads_to", "created_at", "retired_at"]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No route matches."
