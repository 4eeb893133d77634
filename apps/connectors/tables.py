import django_tables2 as tables

from apps.core.tables import MomentColumn, MonoColumn, NumberColumn, Table
from apps.inventory.models import Source


class SourceTable(Table):
    label = tables.Column(linkify=True, verbose_name="Source")
    read_at = MomentColumn(verbose_name="Read")
    current = tables.TemplateColumn(
        template_name="connectors/current_cell.html",
        verbose_name="Standing",
        accessor="superseded_at",
        empty_values=(),
    )
    accepted_count = NumberColumn(verbose_name="Accepted")
    rejected_count = NumberColumn(verbose_name="Rejected")
    brought_by_label = tables.Column(verbose_name="Brought by")
    obtained = tables.TemplateColumn(
        template_name="connectors/obtained_cell.html",
        verbose_name="How obtained",
        accessor="independently_obtained",
    )
    file_name = tables.Column(verbose_name="File")
    account = MonoColumn()
    read_count = NumberColumn(verbose_name="Read entries")
    raw_sha256 = MonoColumn(verbose_name="SHA-256 of the file")
    stream = MonoColumn()

    class Meta(Table.Meta):
        model = Source
        fields = [
            "label",
            "read_at",
            "current",
            "accepted_count",
            "rejected_count",
            "brought_by_label",
            "obtained",
            "file_name",
            "account",
            "read_count",
            "raw_sha256",
            "stream",
        ]
        sortable = {"read_at": ("read_at",)}
        order_by = "-read_at"
        extra = ("file_name", "account", "read_count", "raw_sha256", "stream")
        empty_text = "No sources match."
