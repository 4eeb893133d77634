import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("audit", "0005_drop_a_second_index_by_actor"),
        ("reviews", "0006_choose_a_population_at_once"),
    ]

    operations = [
        migrations.AlterField(
            model_name="assignment",
            name="assigned_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="item",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="reviews.reviewitem",
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="reviewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="attester",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="binding",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_items",
                to="inventory.binding",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="reviews.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="credential",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_items",
                to="inventory.credential",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="order",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_items",
                to="remediation.order",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="reviewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="review_items",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="supersedes",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="superseded_by",
                to="reviews.reviewitem",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="system",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inventory.system",
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="carries",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The earlier decision that it was carried forward from.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="carried_by",
                to="reviews.decision",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("attester__isnull", False), ("state", "open")),
                fields=["attester", "campaign"],
                name="reviews_item_attesting",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("credential__isnull", False)),
                fields=["credential"],
                name="reviews_item_credential",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("binding__isnull", False)),
                fields=["binding"],
                name="reviews_item_binding",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("order__isnull", False)),
                fields=["order"],
                name="reviews_item_order",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("supersedes__isnull", False)),
                fields=["supersedes"],
                name="reviews_item_supersedes",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("carries__isnull", False)),
                fields=["carries"],
                name="reviews_item_carries",
            ),
        ),
    ]
