import django_tables2 as tables

from apps.connectors.models import Connection
from apps.core.tables import (
    MomentColumn,
    MonoColumn,
    NumberColumn,
    StateColumn,
    Table,
    TemplateColumn,
)
from apps.inventory.models import Source


class SourceTable(Table):
    label = tables.Column(linkify=True, verbose_name="Source")
    read_at = MomentColumn(verbose_name="Read")
    current = TemplateColumn(
        template_name="connectors/current_cell.html",
        verbose_name="Standing",
        accessor="superseded_at",
        empty_values=(),
    )
    accepted_count = NumberColumn(verbose_name="Accepted")
    rejected_count = NumberColumn(verbose_name="Rejected")
    brought_by_label = tables.Column(verbose_name="Brought by")
    obtained = TemplateColumn(
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


class ConnectionTable(Table):
    name = tables.Column(linkify=True, verbose_name="Connection")
    kind = tables.Column()
    state = StateColumn()
    accounts = TemplateColumn(
        template_name="connectors/accounts_cell.html", verbose_name="Speaks for"
    )
    worked_at = MomentColumn(verbose_name="Last worked")
    failing_since = MomentColumn(verbose_name="Failing since")
    next_reading_at = MomentColumn(verbose_name="Reads next")

    class Meta(Table.Meta):
        model = Connection
        fields = [
            "name",
            "kind",
            "state",
            "accounts",
            "worked_at",
            "failing_since",
            "next_reading_at",
        ]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No connections match."
