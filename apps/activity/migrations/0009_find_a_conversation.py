from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("activity", "0008_words_end_with_their_age"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="invocation",
            index=models.Index(
                condition=models.Q(("conversation", ""), _negated=True),
                fields=["agent_id", "conversation"],
                name="activity_invocation_talk",
            ),
        ),
    ]
