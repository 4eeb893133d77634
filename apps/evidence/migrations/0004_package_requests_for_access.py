import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("approvals", "0005_end_what_was_asked_for"),
        ("core", "0001_initial"),
        ("evidence", "0003_delete_no_record_of_governance"),
        ("inventory", "0008_walk_identities_by_system"),
        ("reviews", "0007_index_items_no_more_than_needed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="package",
            name="period_from",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="package",
            name="period_system",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.system",
            ),
        ),
        migrations.AddField(
            model_name="package",
            name="period_to",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="package",
            name="request",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="packages",
                to="approvals.accessrequest",
            ),
        ),
        migrations.AlterField(
            model_name="package",
            name="campaign",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="packages",
                to="reviews.campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["request", "-id"], name="evidence_package_request"),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("campaign__isnull", False),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("request__isnull", True),
                    ),
                    models.Q(
                        ("campaign__isnull", True),
                        ("number", 0),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("request__isnull", False),
                    ),
                    models.Q(
                        ("campaign__isnull", True),
                        ("number", 0),
                        ("period_from__isnull", False),
                        ("period_from__lte", models.F("period_to")),
                        ("period_to__isnull", False),
                        ("request__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="evidence_package_one_subject",
            ),
        ),
    ]
