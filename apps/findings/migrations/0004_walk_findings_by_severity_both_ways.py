from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("findings", "0003_add_check_runs")]

    operations = [
        migrations.RemoveIndex(model_name="finding", name="findings_finding_rank"),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(name="findings_finding_worst", fields=["severity_rank", "id"]),
        ),
    ]
