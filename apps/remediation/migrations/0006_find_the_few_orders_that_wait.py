from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce
from apps.core.operations import TrigramIndex


class Migration(AtOnce):
    dependencies = [
        ("connectors", "0002_add_connections"),
        ("grants", "0007_find_grants_by_level_and_system"),
        ("inventory", "0011_find_what_the_house_rule_makes_due"),
        ("remediation", "0005_open_incidents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        ("verified", "confirmed", "not_applicable", "exception", "rolled_back"),
                    ),
                    _negated=True,
                ),
                fields=["id"],
                name="remediation_order_unsettled",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    models.Q(("state", "rolled_back"), _negated=True),
                    ("credential__isnull", False),
                    ("kind__in", ("revoke", "kill", "rotate")),
                    ("undo_asked_at__isnull", True),
                ),
                fields=["stopped_at", "id"],
                name="remediation_order_watched",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    models.Q(("state", "rolled_back"), _negated=True),
                    ("confirmed_at__isnull", True),
                    ("kind", "kill"),
                ),
                fields=["decided_at", "id"],
                name="remediation_order_unconfirmed",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("kind", "suspend")),
                fields=["decided_at", "id"],
                name="remediation_order_suspended",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("used_after_at__isnull", False)),
                fields=["used_after_at", "id"],
                name="remediation_order_used_after",
            ),
        ),
        TrigramIndex("remediation.order", "label"),
    ]
