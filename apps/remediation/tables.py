import django_tables2 as tables

from apps.core.tables import MomentColumn, PersonColumn, StateColumn, Table
from apps.remediation.models import Order


class OrderTable(Table):
    label = tables.Column(linkify=True, verbose_name="Access")
    kind = tables.Column(verbose_name="Order")
    state = StateColumn()
    decided_by = PersonColumn(verbose_name="Decided by")
    decided_at = MomentColumn(verbose_name="Decided")
    executed_at = MomentColumn(verbose_name="Executed")
    verified_at = MomentColumn(verbose_name="Verified")
    due_at = MomentColumn(verbose_name="Due")

    class Meta(Table.Meta):
        model = Order
        fields = [
            "label",
            "kind",
            "state",
            "decided_by",
            "decided_at",
            "executed_at",
            "verified_at",
            "due_at",
        ]
        sortable = {"label": ("label",), "due_at": ("due_at",)}
        order_by = "label"
        extra = ("decided_at",)
        empty_text = "No orders match."
