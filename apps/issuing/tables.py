import django_tables2 as tables

from apps.core.tables import MomentColumn, MonoColumn, StateColumn, Table
from apps.issuing.models import Issuance


class IssuanceTable(Table):
    label = tables.Column(linkify=True, verbose_name="Issued to, as")
    system = tables.Column(accessor="identity__system")
    kind = tables.Column(default="—")
    state = StateColumn(attrs={"td": {"class": "is-issued"}})
    asked_at = MomentColumn(verbose_name="Asked for")
    expires_at = MomentColumn(verbose_name="Until")
    ended_at = MomentColumn(verbose_name="Ended")
    connection = tables.Column()
    correlation_id = MonoColumn(verbose_name="Trace")
    external_id = MonoColumn(verbose_name="Called there")
    ends_with = tables.Column(verbose_name="How far it can be ended")

    class Meta(Table.Meta):
        model = Issuance
        fields = [
            "label",
            "system",
            "kind",
            "state",
            "asked_at",
            "expires_at",
            "ended_at",
            "connection",
            "correlation_id",
            "external_id",
            "ends_with",
        ]
        sortable = {"asked_at": ("asked_at",), "expires_at": ("expires_at",)}
        order_by = "-asked_at"
        extra = ("ended_at", "connection", "correlation_id", "external_id", "ends_with")
        joined = {"system": "identity__system", "connection": "connection"}
        empty_text = "Nothing matches."
