from django.db import migrations, models
from django.db.models import Q

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [("inventory", "0006_count_the_bindings_of_an_identity")]

    operations = [
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                name="inventory_identity_agentless",
                fields=["name", "id"],
                condition=Q(gone_at__isnull=True, is_service_linked=False) & ~Q(standing_count=1),
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                name="inventory_identity_shared",
                fields=["id"],
                condition=Q(binding_count__gt=1),
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                name="inventory_identity_gone",
                fields=["name", "id"],
                condition=Q(gone_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(
                name="inventory_cred_gone",
                fields=["external_id", "id"],
                condition=Q(gone_at__isnull=False),
            ),
        ),
    ]
