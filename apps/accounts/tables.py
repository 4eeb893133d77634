import django_tables2 as tables

from apps.accounts.models import Team, User
from apps.core.tables import MomentColumn, NumberColumn, PersonColumn, Table, TemplateColumn


class PersonTable(Table):
    display_name = tables.Column(verbose_name="Name", linkify=True)
    email = tables.Column(verbose_name="Mail address")
    role = TemplateColumn(template_name="accounts/role_cell.html")
    team = tables.Column(default="none", linkify=True)
    last_login = MomentColumn(verbose_name="Last sign-in")
    time_zone = tables.Column(verbose_name="Time zone")

    class Meta(Table.Meta):
        model = User
        fields = ["display_name", "email", "role", "team", "last_login", "time_zone"]
        sortable = {"display_name": ("display_name",)}
        order_by = "display_name"
        extra = ("time_zone",)
        empty_text = "Nobody matches."

    def value_role(self, record: User) -> str:
        return record.get_role_display() or "none"


class TeamTable(Table):
    name = tables.Column(linkify=True)
    manager = PersonColumn()
    member_count = NumberColumn(verbose_name="People")

    class Meta(Table.Meta):
        model = Team
        fields = ["name", "manager", "member_count"]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No team matches."


class OnCallTable(Table):
    name = tables.Column(verbose_name="Team", linkify=True)
    steps = TemplateColumn(
        verbose_name="Who is called, in order",
        template_name="accounts/ladder_cell.html",
        empty_values=(),
    )

    class Meta(Table.Meta):
        model = Team
        fields = ["name", "steps"]
        sortable = {"name": ("name",)}
        order_by = "name"
        empty_text = "No team matches."
