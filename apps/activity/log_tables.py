from typing import Any

import django_filters
import django_tables2 as tables
from django.db.models import QuerySet

from apps.activity.models import LogImport
from apps.activity.states import ImportStatus, ImportWay
from apps.core.filters import FilterSet, Only, SearchFilter
from apps.core.tables import MomentColumn, NumberColumn, StateColumn, Table, TemplateColumn
from apps.inventory.models import System


class LogTable(Table):
    """Systems, each with what of its log is here."""

    name = tables.Column(linkify=True, verbose_name="System")
    kind = tables.Column()
    log = TemplateColumn(
        template_name="activity/log_read_cell.html",
        verbose_name="Log that is read",
        accessor="pk",
    )
    complete = TemplateColumn(
        template_name="activity/log_complete_cell.html",
        verbose_name="Complete until",
        accessor="pk",
    )
    last_event = TemplateColumn(
        template_name="activity/log_last_cell.html", verbose_name="Last record", accessor="pk"
    )
    trouble = TemplateColumn(
        template_name="activity/log_trouble_cell.html", verbose_name="Trouble", accessor="pk"
    )

    class Meta(Table.Meta):
        model = System
        fields = ["name", "kind", "log", "complete", "last_event", "trouble"]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No systems match."

    def value_log(self, record: System) -> str:
        return ", ".join(one.get_log_format_display() for one in _logs(record)) or "not known"

    def value_complete(self, record: System) -> str:
        return ", ".join(f"{one.complete_until or 'not known'}" for one in _logs(record))

    def value_last_event(self, record: System) -> str:
        return ", ".join(f"{one.last_event_at or ''}" for one in _logs(record))

    def value_trouble(self, record: System) -> str:
        return " ".join(one.newest_said or "" for one in _logs(record))


class LogFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name of the system")
    log = django_filters.ChoiceFilter(
        method="by_log",
        choices=[("read", "Read"), ("ended", "Ended"), ("none", "Not known")],
        label="Its log",
    )
    present = Only("present", "Still in its source")

    def by_log(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        going_on = System.objects.filter(logs__isnull=False, logs__ended_at__isnull=True)
        if value == "read":
            return rows.filter(pk__in=going_on.values("pk"))
        known = System.objects.filter(logs__isnull=value == "none")
        return rows.filter(pk__in=known.values("pk")).exclude(pk__in=going_on.values("pk"))


class LogImportTable(Table):
    name = tables.Column(linkify=True, verbose_name="What was read")
    started_at = MomentColumn(verbose_name="When")
    status = StateColumn()
    kept = NumberColumn(verbose_name="Kept")
    repeated = NumberColumn(verbose_name="Here already")
    unreadable = NumberColumn(verbose_name="Unreadable")
    way = tables.Column(verbose_name="How")
    brought_by_label = tables.Column(verbose_name="Brought by")
    nobodys = NumberColumn(verbose_name="Of no known identity")
    first_at = MomentColumn(verbose_name="First record")
    last_at = MomentColumn(verbose_name="Last record")

    class Meta(Table.Meta):
        model = LogImport
        fields = [
            "name",
            "started_at",
            "status",
            "kept",
            "repeated",
            "unreadable",
            "way",
            "brought_by_label",
            "nobodys",
            "first_at",
            "last_at",
        ]
        sortable = {"started_at": ("started_at",)}
        order_by = "-started_at"
        extra = ("nobodys", "first_at", "last_at")
        empty_text = "Nothing was read that way."


class LogImportFilterSet(FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=ImportStatus, label="How it went")
    way = django_filters.MultipleChoiceFilter(choices=ImportWay, label="How it came")


def _logs(record: System) -> list[Any]:
    known: list[Any] = record.logs_known  # type: ignore[attr-defined]
    return known
