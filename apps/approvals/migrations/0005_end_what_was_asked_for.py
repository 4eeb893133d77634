import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from apps.audit.operations import NeverDeleted, RequireAuditedState
from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("approvals", "0004_search_requests"),
        ("grants", "0006_filter_grants_by_tag_and_by_gone"),
        ("inventory", "0007_filter_by_what_is_rare"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("service", models.CharField(max_length=80)),
                (
                    "level",
                    models.CharField(
                        choices=[("read", "Read"), ("write", "Write"), ("admin", "Admin")],
                        max_length=5,
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list
                    ),
                ),
                ("label", models.CharField(max_length=400)),
                ("actions", models.JSONField(default=list)),
                ("resources", models.JSONField(default=list)),
                ("held_before", models.JSONField(blank=True, default=list)),
                ("scope_sha256", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("ticket", models.CharField(blank=True, max_length=80)),
                ("hours", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "In force"),
                            ("ended", "Over, not reviewed"),
                            ("reviewed", "Reviewed"),
                        ],
                        default="active",
                        editable=False,
                        max_length=8,
                    ),
                ),
                (
                    "taken_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_because", models.TextField(blank=True)),
                ("review_due_at", models.DateTimeField(null=True)),
                ("reviewed_at", models.DateTimeField(null=True)),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("warranted", "It was warranted"),
                            ("unwarranted", "It was not warranted"),
                        ],
                        max_length=11,
                    ),
                ),
                ("review", models.TextField(blank=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glass_uses",
                        to="inventory.agent",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glass_uses",
                        to="grants.grant",
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glass_uses",
                        to="inventory.identity",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "system",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glass_uses",
                        to="inventory.system",
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glass_uses",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "break-glass use",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["label", "id"], name="approvals_breakglass_label"),
                    models.Index(fields=["taken_at", "id"], name="approvals_breakglass_taken"),
                    models.Index(fields=["state", "id"], name="approvals_breakglass_state"),
                    models.Index(
                        condition=models.Q(("state", "active")),
                        fields=["ends_at", "id"],
                        name="approvals_breakglass_in_force",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["active", "ended", "reviewed"])),
                        name="approvals_breakglass_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["read", "write", "admin"])),
                        name="approvals_breakglass_level_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="approvals_breakglass_has_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("taken_at"))),
                        name="approvals_breakglass_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state", "active")),
                            models.Q(
                                models.Q(("state", "active"), _negated=True),
                                ("ended_at__isnull", False),
                                ("review_due_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="approvals_breakglass_over_iff_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("state", "reviewed"), _negated=True),
                                ("review", ""),
                                ("reviewed_by__isnull", True),
                                ("verdict", ""),
                            ),
                            models.Q(
                                ("reviewed_at__isnull", False),
                                ("reviewed_by__isnull", False),
                                ("state", "reviewed"),
                                ("verdict__in", ["warranted", "unwarranted"]),
                                models.Q(("review", ""), _negated=True),
                                models.Q(("reviewed_by", models.F("taken_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="approvals_breakglass_reviewed_by_somebody_else",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")),
                        fields=("scope_sha256",),
                        name="approvals_breakglass_in_force_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RemovalProposal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("days", models.PositiveSmallIntegerField(help_text="Unused for so many days.")),
                ("use_is_known", models.BooleanField()),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waits for a word"),
                            ("kept", "Kept"),
                            ("ordered", "Removal ordered"),
                            ("moot", "No longer holds"),
                        ],
                        default="open",
                        editable=False,
                        max_length=7,
                    ),
                ),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("moved_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "moved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposals",
                        to="approvals.accessrequest",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "kept", "ordered", "moot"])),
                        name="approvals_removalproposal_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("open", "moot")),
                            models.Q(
                                ("moved_at__isnull", False),
                                ("moved_by__isnull", False),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="approvals_removalproposal_answered_by_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("request",),
                        name="approvals_removalproposal_open_once",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="access_ended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="renews",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="renewals",
                to="approvals.accessrequest",
            ),
        ),
        migrations.AddIndex(
            model_name="accessrequest",
            index=models.Index(
                condition=models.Q(("access_ended_at__isnull", True), ("state", "provisioned")),
                fields=["access_ends_at", "id"],
                name="approvals_request_running",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("access_ended_at__isnull", True), ("state", "provisioned"), _connector="OR"
                ),
                name="approvals_request_ends_after_it_was_in_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("renews__isnull", True),
                    models.Q(("grant__isnull", False), ("kind", "renewal")),
                    _connector="OR",
                ),
                name="approvals_request_renews_by_renewal",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("renews__isnull", False), ("state__in", ("submitted", "pending", "approved"))
                ),
                fields=("renews",),
                name="approvals_request_renewed_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("kind", "renewal"),
                    ("renews__isnull", True),
                    ("state__in", ("submitted", "pending", "approved")),
                ),
                fields=("grant",),
                name="approvals_request_grant_renewed_once_at_a_time",
            ),
        ),
        RequireAuditedState("approvals.breakglass"),
        RequireAuditedState("approvals.removalproposal"),
        NeverDeleted("approvals.breakglass"),
        NeverDeleted("approvals.removalproposal"),
    ]
