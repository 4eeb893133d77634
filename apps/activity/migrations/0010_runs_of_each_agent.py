from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("activity", "0009_find_a_conversation"),
    ]

    operations = [
        migrations.CreateModel(
            name="Nameless",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("log_id", models.IntegerField()),
                ("leaf_index", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
                ("happened_at", models.DateTimeField()),
                ("trace_id", models.UUIDField()),
                ("kind", models.CharField(max_length=10)),
                ("agent_id", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["log_id", "trace_id"], name="activity_nameless_trace"),
                    models.Index(
                        condition=models.Q(("agent_id__isnull", False)),
                        fields=["agent_id", "happened_at"],
                        name="activity_nameless_agent",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("log_id", "leaf_index"),
                        include=("agent_id",),
                        name="activity_nameless_once",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="invocation",
            constraint=models.UniqueConstraint(
                fields=("log_id", "trace_id", "agent_id"),
                name="activity_invocation_once_each",
                nulls_distinct=False,
            ),
        ),
        migrations.RemoveConstraint(
            model_name="invocation",
            name="activity_invocation_once",
        ),
    ]
