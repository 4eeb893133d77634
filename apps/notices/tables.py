import django_tables2 as tables

from apps.core.tables import MomentColumn, NumberColumn, StateColumn, Table
from apps.notices.models import Notice


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
