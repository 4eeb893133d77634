import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("approvals", "0006_answer_a_machines_call_once"),
        ("core", "0001_initial"),
        ("evidence", "0005_package_incidents"),
        ("inventory", "0011_find_what_the_house_rule_makes_due"),
        ("remediation", "0006_find_the_few_orders_that_wait"),
        ("reviews", "0007_index_items_no_more_than_needed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="package",
            name="evidence_package_one_subject",
        ),
        migrations.AddField(
            model_name="package",
            name="agent",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.agent",
            ),
        ),
        migrations.AddField(
            model_name="package",
            name="is_whole",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="package",
            name="trace_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="package",
            name="with_payloads",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["trace_id", "-id"], name="evidence_package_trace"),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", False),
                        ("incident__isnull", True),
                        ("is_whole", False),
                        ("request__isnull", True),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                    ),
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("is_whole", False),
                        ("request__isnull", False),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("number", 0),
                    ),
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", True),
                        ("incident__isnull", False),
                        ("is_whole", False),
                        ("request__isnull", True),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("number", 0),
                    ),
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("is_whole", False),
                        ("request__isnull", True),
                        ("trace_id__isnull", False),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("number", 0),
                    ),
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("is_whole", False),
                        ("request__isnull", True),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", False),
                        ("period_from__lte", models.F("period_to")),
                        ("period_to__isnull", False),
                        ("number", 0),
                    ),
                    models.Q(
                        ("agent__isnull", False),
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("is_whole", False),
                        ("request__isnull", True),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", False),
                        ("period_from__lte", models.F("period_to")),
                        ("period_to__isnull", False),
                        ("number", 0),
                        ("period_system__isnull", True),
                    ),
                    models.Q(
                        ("agent__isnull", True),
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("is_whole", True),
                        ("request__isnull", True),
                        ("trace_id__isnull", True),
                        ("period_from__isnull", False),
                        ("period_from__lte", models.F("period_to")),
                        ("period_to__isnull", False),
                        ("number", 0),
                        ("period_system__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="evidence_package_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("with_payloads", False),
                    ("trace_id__isnull", False),
                    ("agent__isnull", False),
                    ("is_whole", True),
                    _connector="OR",
                ),
                name="evidence_package_words_of_the_trail",
            ),
        ),
    ]
