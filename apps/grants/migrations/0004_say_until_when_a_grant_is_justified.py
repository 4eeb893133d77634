import datetime as dt

import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("grants", "0003_keep_the_key_of_a_policy"),
        ("inventory", "0004_index_credentials_that_never_end"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="grant",
            name="grants_grant_unjustified",
        ),
        migrations.AddField(
            model_name="grant",
            name="justified_to",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        gone_at__isnull=True,
                        level__in=("write", "admin"),
                        state__in=("active", "suspended"),
                        then=django.db.models.functions.comparison.Coalesce(
                            models.F("justified_until"),
                            models.Case(
                                models.When(
                                    justification__isnull=True,
                                    then=models.Value(dt.date(1, 1, 1)),
                                ),
                                default=models.Value(dt.date(9999, 12, 31)),
                                output_field=models.DateField(),
                            ),
                        ),
                    )
                ),
                help_text="The last day its justification stands. Null: none is asked for.",
                output_field=models.DateField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(fields=["justified_to", "id"], name="grants_grant_justified_to"),
        ),
    ]
