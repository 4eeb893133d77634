import django_tables2 as tables

from apps.core.tables import (
    DayColumn,
    LevelColumn,
    MomentColumn,
    MonoColumn,
    NumberColumn,
    StateColumn,
    Table,
    TagsColumn,
)
from apps.grants.models import Grant, Justification, Permission


class GrantTable(Table):
    label = tables.Column(linkify=True, verbose_name="Grant")
    level = LevelColumn()
    identity = tables.Column(linkify=True)
    system = tables.Column(linkify=True)
    justification = tables.Column(accessor="justification__reason", default="none stands")
    justified_until = DayColumn(verbose_name="Until", default="")
    last_used_at = MomentColumn(verbose_name="Last used")
    expires_at = MomentColumn(verbose_name="Expires")
    state = StateColumn()
    tags = TagsColumn(verbose_name="Makes possible")
    action_count = NumberColumn(verbose_name="Actions")
    resource_scope = tables.Column(verbose_name="On")
    first_seen_at = MomentColumn(verbose_name="First seen")
    gone_at = MomentColumn(verbose_name="Gone")

    class Meta(Table.Meta):
        model = Grant
        fields = [
            "label",
            "level",
            "justification",
            "justified_until",
            "last_used_at",
            "expires_at",
            "state",
            "identity",
            "system",
            "tags",
            "action_count",
            "resource_scope",
            "first_seen_at",
            "gone_at",
        ]
        sortable = {
            "label": ("label",),
            "last_used_at": ("last_used_at",),
            "expires_at": ("expires_at",),
            "first_seen_at": ("first_seen_at",),
        }
        nulls_smallest = ("last_used_at",)
        order_by = "label"
        extra = (
            "identity",
            "system",
            "tags",
            "action_count",
            "resource_scope",
            "first_seen_at",
            "gone_at",
        )
        joined = {"identity": "identity", "system": "system", "justification": "justification"}
        empty_text = "No grants match."


class PermissionTable(Table):
    key = MonoColumn(linkify=True, verbose_name="Permission")
    system_kind = tables.Column(verbose_name="Kind of system")
    service = tables.Column()
    level = LevelColumn()
    tags = TagsColumn(verbose_name="Makes possible")
    is_classified = tables.BooleanColumn(verbose_name="Classified")
    overridden_at = MomentColumn(verbose_name="Overridden", default="")

    class Meta(Table.Meta):
        model = Permission
        fields = [
            "key",
            "system_kind",
            "service",
            "level",
            "tags",
            "is_classified",
            "overridden_at",
        ]
        sortable = {"key": ("key",)}
        order_by = "key"
        extra = ("overridden_at",)
        empty_text = "No permissions match."


class JustificationTable(Table):
    grant = tables.Column(linkify=True)
    reason = tables.Column()
    task = tables.Column()
    ticket = tables.Column()
    given_by_label = tables.Column(verbose_name="Given by")
    given_at = MomentColumn(verbose_name="Given")
    until = DayColumn(default="until further notice")

    class Meta(Table.Meta):
        model = Justification
        fields = ["grant", "reason", "task", "ticket", "given_by_label", "given_at", "until"]
        sortable = {"given_at": ("given_at",), "until": ("until",)}
        order_by = "-given_at"
        empty_text = "No justifications match."
