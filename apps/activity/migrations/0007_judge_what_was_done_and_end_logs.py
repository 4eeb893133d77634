import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("activity", "0006_keep_and_erase"),
        ("inventory", "0012_collectors_and_long_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutsideCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity_id", models.BigIntegerField()),
                ("system_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("target", models.CharField(blank=True, max_length=200)),
                ("by_target", models.BooleanField(default=False)),
                ("is_told", models.BooleanField()),
                ("why", models.CharField(blank=True, max_length=100)),
                ("calls", models.IntegerField()),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="driftedcall",
            name="is_told",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="stream",
            name="ended_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="stream",
            name="ended_because",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="stream",
            name="ended_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="stream",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ended_because", "")),
                    models.Q(
                        ("ended_at__isnull", False), models.Q(("ended_because", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="activity_stream_ended_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="outsidecall",
            constraint=models.UniqueConstraint(
                fields=("identity_id", "system_id", "name", "target", "by_target", "since"),
                name="activity_outsidecall_once",
            ),
        ),
    ]
