from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("grants", "0004_say_until_when_a_grant_is_justified")]

    operations = [
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(name="grants_grant_state", fields=["state", "id"]),
        ),
    ]
