import django_tables2 as tables

from apps.core.tables import MomentColumn, NumberColumn, PersonColumn, Table
from apps.reviews.models import Template
from apps.reviews.recurrence import in_words


class TemplateTable(Table):
    name = tables.Column(linkify=True, verbose_name="Template")
    purpose = tables.Column()
    days_to_decide = NumberColumn(verbose_name="Days to decide")
    recurrence = tables.Column(verbose_name="Comes round", default="by hand")
    run_by = PersonColumn(verbose_name="Run by")
    fallback_reviewer = PersonColumn(verbose_name="Fallback")
    retired_at = MomentColumn(verbose_name="Retired", default="in use")

    class Meta(Table.Meta):
        model = Template
        fields = [
            "name",
            "purpose",
            "days_to_decide",
            "recurrence",
            "run_by",
            "fallback_reviewer",
            "retired_at",
        ]
        sortable = {"name": ("name",)}
        order_by = "name"
        extra = ("retired_at",)
        empty_text = "No templates match."

    def render_recurrence(self, value: str) -> str:
        return in_words(value)
