import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("approvals", "0006_answer_a_machines_call_once"),
        ("core", "0001_initial"),
        ("evidence", "0004_package_requests_for_access"),
        ("inventory", "0010_say_when_rotation_is_due"),
        ("remediation", "0005_open_incidents"),
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
            name="incident",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="packages",
                to="remediation.incident",
            ),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["incident", "-id"], name="evidence_package_incident"),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("campaign__isnull", False),
                        ("incident__isnull", True),
                        ("request__isnull", True),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                    ),
                    models.Q(
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
                        ("request__isnull", False),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("number", 0),
                    ),
                    models.Q(
                        ("campaign__isnull", True),
                        ("incident__isnull", False),
                        ("request__isnull", True),
                        ("period_from__isnull", True),
                        ("period_system__isnull", True),
                        ("period_to__isnull", True),
                        ("number", 0),
                    ),
                    models.Q(
                        ("campaign__isnull", True),
                        ("incident__isnull", True),
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
