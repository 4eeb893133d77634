from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("inventory", "0003_activation_gaps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(
                condition=models.Q(
                    models.Q(("state__in", ("revoked", "verified", "expired")), _negated=True),
                    ("expires_at__isnull", True),
                    ("gone_at__isnull", True),
                    ("kind__in", ("access-key", "api-key", "client-secret", "token", "password")),
                    ("rotation_days__isnull", True),
                ),
                fields=["external_id", "id"],
                name="inventory_cred_endless",
            ),
        ),
    ]
