import django_tables2 as tables

from apps.core.tables import MomentColumn, NumberColumn, Table, TemplateColumn
from apps.evidence.models import Package, Sample


class PackageTable(Table):
    about = tables.Column(
        verbose_name="Of",
        empty_values=(),
        linkify=lambda record: record.get_absolute_url(),
    )
    subject = tables.Column(verbose_name="Kind", accessor="subject__label")
    status = TemplateColumn(
        template_name="evidence/status_cell.html", verbose_name="Package", accessor="pk"
    )
    requested_at = MomentColumn(verbose_name="Asked for")
    requested_by = tables.Column(verbose_name="By", default="Countersign")
    built_at = MomentColumn(verbose_name="Built")
    size = TemplateColumn(template_name="evidence/size_cell.html", verbose_name="Size")

    class Meta(Table.Meta):
        model = Package
        fields = ["about", "subject", "status", "requested_at", "requested_by", "built_at", "size"]
        sortable = {"requested_at": ("requested_at",)}
        order_by = "-requested_at"
        empty_text = "No packages match."


class SampleTable(Table):
    campaign = tables.Column(linkify=lambda record: record.get_absolute_url())
    size = NumberColumn(verbose_name="Items")
    population_count = NumberColumn(verbose_name="Of")
    seed = tables.Column()
    drawn_by = tables.Column(verbose_name="Drawn by", default="Countersign")
    drawn_at = MomentColumn(verbose_name="Drawn")

    class Meta(Table.Meta):
        model = Sample
        fields = ["campaign", "size", "population_count", "seed", "drawn_by", "drawn_at"]
        empty_text = "No samples match."
