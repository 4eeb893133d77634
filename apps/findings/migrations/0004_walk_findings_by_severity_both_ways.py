from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [("findings", "0003_add_check_runs")]

    operations = [
        migrations.RemoveIndex(model_name="finding", name="findings_finding_rank"),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(name="findings_finding_worst", fields=["severity_rank", "id"]),
        ),
    ]
