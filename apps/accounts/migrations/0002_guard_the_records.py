from django.db import migrations

from apps.audit.operations import RequireAuditedState


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [RequireAuditedState("accounts.invitation")]
