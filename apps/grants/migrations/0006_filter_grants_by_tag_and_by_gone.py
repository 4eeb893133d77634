from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import Q

from apps.core.at_once import AtOnce
from apps.core.operations import TrigramIndex


class Migration(AtOnce):
    dependencies = [("grants", "0005_filter_grants_by_rare_states")]

    operations = [
        TrigramIndex("grants.justification", "reason"),
        migrations.AddIndex(
            model_name="grant",
            index=GinIndex(name="grants_grant_tags", fields=["tags"]),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                name="grants_grant_gone",
                fields=["label", "id"],
                condition=Q(gone_at__isnull=False),
            ),
        ),
    ]
