from django.db import migrations

from apps.core.operations import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_make_the_groups_that_rules_know")]

    operations = [TrigramIndex("approvals.accessrequest")]
