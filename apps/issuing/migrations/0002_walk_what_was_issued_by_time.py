from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0002_add_connections"),
        ("grants", "0007_find_grants_by_level_and_system"),
        ("inventory", "0011_find_what_the_house_rule_makes_due"),
        ("issuing", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="issuance",
            index=models.Index(fields=["asked_at", "id"], name="issuing_issuance_asked"),
        ),
    ]
