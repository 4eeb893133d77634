import django_tables2 as tables

from apps.core.tables import MomentColumn, SeverityColumn, StateColumn, Table
from apps.findings.models import Finding
from apps.findings.templatetags.findings import rule_title


class RuleColumn(tables.Column):
    """The title of a rule."""

    def render(self, value: str) -> str:
        return rule_title(value)

    def value(self, value: str) -> str:
        return rule_title(value)


class FindingTable(Table):
    subject_label = tables.Column(linkify=True, verbose_name="Subject")
    severity_rank = SeverityColumn(accessor="severity", verbose_name="Severity")
    rule = RuleColumn(verbose_name="What is wrong")
    agent = tables.Column(linkify=True)
    system = tables.Column(linkify=True)
    state = StateColumn()
    opened_at = MomentColumn(verbose_name="Since")
    detail = tables.Column()
    recurrences = tables.Column(verbose_name="Returned")

    class Meta(Table.Meta):
        model = Finding
        fields = [
            "subject_label",
            "severity_rank",
            "rule",
            "agent",
            "system",
            "state",
            "opened_at",
            "detail",
            "recurrences",
        ]
        sortable = {"severity_rank": ("severity_rank",), "opened_at": ("opened_at",)}
        order_by = "-severity_rank"
        extra = ("detail", "recurrences")
        empty_text = "No findings match."
