import django_tables2 as tables

from apps.core.tables import DayColumn, MomentColumn, NumberColumn, PersonColumn, StateColumn, Table
from apps.inventory.models import Credential
from apps.inventory.tables import ExposureColumn
from apps.rotation.models import Migration, Rotation


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


class RotationTable(Table):
    label = tables.Column(linkify=True, verbose_name="Credential")
    way = tables.Column(verbose_name="How")
    state = StateColumn()
    owner = PersonColumn(verbose_name="Owner")
    planned_at = MomentColumn(verbose_name="Planned")
    due_at = MomentColumn(verbose_name="Due")
    retire_at = MomentColumn(verbose_name="Old one goes")
    ended_at = MomentColumn(verbose_name="Ended")

    class Meta(Table.Meta):
        model = Rotation
        fields = [
            "label",
            "way",
            "state",
            "owner",
            "planned_at",
            "due_at",
            "retire_at",
            "ended_at",
        ]
        sortable = {"label": ("label",), "due_at": ("due_at",)}
        order_by = "due_at"
        extra = ("ended_at",)
        joined = {"owner": "owner"}
        empty_text = "No rotations match."


class MigrationTable(Table):
    label = tables.Column(linkify=True, verbose_name="Credential")
    title = tables.Column(verbose_name="Way out")
    state = StateColumn()
    owner = PersonColumn(verbose_name="Owner")
    target_on = DayColumn(verbose_name="By")
    proposed_at = MomentColumn(verbose_name="Proposed")
    ended_at = MomentColumn(verbose_name="Ended")

    class Meta(Table.Meta):
        model = Migration
        fields = ["label", "title", "state", "owner", "target_on", "proposed_at", "ended_at"]
        sortable = {"label": ("label",), "target_on": ("target_on",)}
        order_by = "target_on"
        extra = ("ended_at",)
        joined = {"owner": "owner"}
        empty_text = "No ways out match."
