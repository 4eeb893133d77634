from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [("inventory", "0004_index_credentials_that_never_end")]

    operations = [
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(name="inventory_cred_kind", fields=["kind", "id"]),
        ),
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(name="inventory_cred_stored_in", fields=["stored_in", "id"]),
        ),
    ]
