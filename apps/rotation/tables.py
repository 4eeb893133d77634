import django_tables2 as tables

from apps.core.tables import MomentColumn, NumberColumn, StateColumn, Table
from apps.inventory.models import Credential
from apps.inventory.tables import ExposureColumn


class DueTable(Table):
    """Credentials by the day they are to be rotated."""

    external_id = tables.Column(linkify=True, verbose_name="Credential")
    identity = tables.Column(linkify=True)
    system = tables.Column(accessor="identity__system")
    kind = tables.Column()
    rotation_due_at = MomentColumn(verbose_name="Due")
    rotation_days = NumberColumn(verbose_name="Every (days)", default="house rule")
    exposure = ExposureColumn(verbose_name="One stolen now works")
    rotated_at = MomentColumn(verbose_name="Rotated")
    agent_count = NumberColumn(verbose_name="Agents")
    state = StateColumn()

    class Meta(Table.Meta):
        model = Credential
        fields = [
            "external_id",
            "identity",
            "system",
            "kind",
            "rotation_due_at",
            "rotation_days",
            "exposure",
            "rotated_at",
            "agent_count",
            "state",
        ]
        sortable = {"rotation_due_at": ("rotation_due_at",)}
        order_by = "rotation_due_at"
        extra = ("rotated_at", "agent_count", "state")
        joined = {"identity": "identity", "system": "identity__system", "agent_count": "identity"}
        empty_text = "No credentials match."
