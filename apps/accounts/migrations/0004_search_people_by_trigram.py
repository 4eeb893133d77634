from django.db import migrations

from apps.core.operations import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_end_sessions_at_once_and_search_people")]

    operations = [TrigramIndex("accounts.user")]
