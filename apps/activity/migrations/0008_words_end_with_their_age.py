"""Words that end with their age, where a setting says after how many days."""

from django.db import migrations

from apps.activity.operations_expiring import DROP, MAKE


class Migration(migrations.Migration):
    dependencies = [("activity", "0007_judge_what_was_done_and_end_logs")]

    operations = [migrations.RunSQL(MAKE, DROP)]
