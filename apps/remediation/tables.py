import django_tables2 as tables

from apps.core.tables import MomentColumn, MonoColumn, PersonColumn, StateColumn, Table
from apps.remediation.models import Incident, IncidentCall, Order


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
        joined = {"decided_by": "decided_by"}
        empty_text = "No orders match."


class IncidentTable(Table):
    opened_at = MomentColumn(verbose_name="Opened")
    credential = tables.Column(
        linkify=lambda record: record.get_absolute_url(), verbose_name="Credential"
    )
    system = tables.Column(accessor="credential__identity__system", verbose_name="System")
    state = StateColumn()
    exposed_since = MomentColumn(verbose_name="Exposed since")
    killed_by = PersonColumn(accessor="order__decided_by", verbose_name="Killed by")
    complete_until = MomentColumn(verbose_name="Log complete until")
    closed_at = MomentColumn(verbose_name="Closed")

    class Meta(Table.Meta):
        model = Incident
        fields = [
            "opened_at",
            "credential",
            "system",
            "state",
            "exposed_since",
            "killed_by",
            "complete_until",
            "closed_at",
        ]
        sortable = {"opened_at": ()}
        order_by = "-opened_at"
        extra = ("closed_at",)
        empty_text = "No incidents match."


class IncidentCallTable(Table):
    at = MomentColumn(verbose_name="At")
    name = MonoColumn(verbose_name="Call")
    service = tables.Column()
    address = MonoColumn(verbose_name="From")
    client = tables.Column()
    resource = MonoColumn(verbose_name="On")
    error = tables.Column(verbose_name="Refused with")
    event_id = MonoColumn(verbose_name="Event")

    class Meta(Table.Meta):
        model = IncidentCall
        fields = ["at", "name", "service", "address", "client", "resource", "error", "event_id"]
        sortable = {"at": ("at",)}
        order_by = "-at"
        extra = ("event_id",)
        empty_text = "No calls match."
