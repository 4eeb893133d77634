import django_tables2 as tables

from apps.core.tables import (
    LevelColumn,
    MomentColumn,
    NumberColumn,
    PersonColumn,
    StateColumn,
    Table,
)
from apps.reviews.models import Campaign, ReviewItem


class CampaignTable(Table):
    name = tables.Column(linkify=True, verbose_name="Campaign")
    state = StateColumn()
    population_count = NumberColumn(verbose_name="Items")
    deadline_at = MomentColumn(verbose_name="Deadline")
    run_by = PersonColumn(verbose_name="Run by")
    launched_at = MomentColumn(verbose_name="Launched")
    closed_at = MomentColumn(verbose_name="Closed")

    class Meta(Table.Meta):
        model = Campaign
        fields = [
            "name",
            "state",
            "population_count",
            "deadline_at",
            "run_by",
            "launched_at",
            "closed_at",
        ]
        sortable = {"name": ("name",), "deadline_at": ("deadline_at",)}
        order_by = "-deadline_at"
        empty_text = "No campaigns match."


class ItemTable(Table):
    label = tables.Column(linkify=True, verbose_name="Access")
    level = LevelColumn()
    agent = tables.Column(linkify=True)
    reviewer = PersonColumn()
    found_by = tables.Column(verbose_name="Found as")
    state = StateColumn()
    disposition = tables.Column()
    outcome = tables.Column(accessor="decision__outcome", verbose_name="Decision", default="")
    system = tables.Column()

    class Meta(Table.Meta):
        model = ReviewItem
        fields = [
            "label",
            "level",
            "agent",
            "reviewer",
            "found_by",
            "state",
            "disposition",
            "outcome",
            "system",
        ]
        order_by = ""
        extra = ("found_by", "system")
        empty_text = "No items match."
