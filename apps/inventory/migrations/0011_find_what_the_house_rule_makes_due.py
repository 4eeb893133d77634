from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("inventory", "0010_say_when_rotation_is_due"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(
                condition=models.Q(
                    ("rotation_days__isnull", True), ("rotation_due_at__isnull", False)
                ),
                fields=["rotation_due_at", "id"],
                name="inventory_cred_due_house",
            ),
        ),
    ]
