from django.db import migrations

from apps.core.operations import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_let_reading_repeat")]

    operations = [TrigramIndex("audit.auditentry", "target_label")]
