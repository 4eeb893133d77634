from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.models import Team
from apps.core.links import record_href
from apps.inventory.models.source import Imported
from apps.inventory.models.system import System
from apps.inventory.querysets.agents import AgentQuerySet
from apps.inventory.states import AgentState, Autonomy, Environment


class Agent(Imported):
    """An AI agent: what it is designed to do, and who answers for it.

    `state` moves only through `apps.inventory.services`; see `apps.inventory.states`.
    """

    name = models.CharField(max_length=120, unique=True)
    purpose = models.TextField(blank=True)
    purpose_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    purpose_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )
    purpose_accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    purpose_accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="agents"
    )
    technical_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="technical_agents",
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="agents")
    environment = models.CharField(
        max_length=12, choices=Environment, default=Environment.PRODUCTION
    )
    platform = models.CharField(max_length=80, blank=True)
    autonomy = models.CharField(max_length=10, choices=Autonomy, default=Autonomy.ASKS)
    has_human_step = models.BooleanField(
        default=False, help_text="A person approves before it changes anything."
    )
    version = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=120, blank=True)
    instructions_sha256 = models.CharField(max_length=64, blank=True)
    tools = models.JSONField(default=list, blank=True)
    trail_connected = models.BooleanField(default=False)
    state = models.CharField(
        max_length=10, choices=AgentState, default=AgentState.PROPOSED, editable=False
    )
    design_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    activation_gaps = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="What was missing when it was last activated: keys of the readiness checks.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    search = models.GeneratedField(
        expression=Lower(models.F("name")), output_field=models.TextField(), db_persist=True
    )

    objects = AgentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="inventory_agent_state_known", condition=Q(state__in=AgentState.values)
            ),
            models.CheckConstraint(
                name="inventory_agent_active_has_owner_and_purpose",
                condition=~Q(state=AgentState.ACTIVE) | (Q(owner__isnull=False) & ~Q(purpose="")),
            ),
        ]
        indexes = [
            models.Index(name="inventory_agent_name", fields=["name", "id"]),
            models.Index(name="inventory_agent_state", fields=["state", "id"]),
            models.Index(name="inventory_agent_env", fields=["environment", "id"]),
            models.Index(name="inventory_agent_purpose_at", fields=["purpose_changed_at", "id"]),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("console:agent_detail", self.pk)

    @property
    def purpose_waits(self) -> bool:
        """Whether somebody who benefits changed the purpose, and nobody has accepted it since."""
        if self.purpose_changed_at is None or self.purpose_changed_by_id is None:
            return False
        if self.purpose_changed_by_id not in {self.owner_id, self.technical_owner_id}:
            return False
        accepted = self.purpose_accepted_at
        return accepted is None or accepted < self.purpose_changed_at

    @property
    def purpose_explains(self) -> bool:
        """Whether the purpose may explain write access: not while its change awaits acceptance."""
        return bool(self.purpose) and not self.purpose_waits


class AgentCall(models.Model):
    """One agent may call another, and so reaches what the other may do."""

    caller = models.ForeignKey(Agent, models.CASCADE, related_name="calls")
    callee = models.ForeignKey(Agent, models.CASCADE, related_name="called_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="inventory_agentcall_once", fields=["caller", "callee"]),
            models.CheckConstraint(
                name="inventory_agentcall_not_itself", condition=~Q(caller=models.F("callee"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller} calls {self.callee}"


class Task(models.Model):
    """One thing the purpose says the agent does. Never deleted once named: it is retired."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="tasks")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["agent", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="inventory_task_title_once",
                fields=["agent", "title"],
                condition=Q(retired_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class TaskNeed(models.Model):
    """A capability a task needs: a level on a system's service. Blank service means any of it.

    A need at one level covers the levels below it (`read` < `write` < `admin`).
    """

    task = models.ForeignKey(Task, models.CASCADE, related_name="needs")
    system = models.ForeignKey(System, models.PROTECT, related_name="+")
    service = models.CharField(max_length=80, blank=True)
    level = models.CharField(max_length=5)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="inventory_taskneed_level_known",
                condition=Q(level__in=("read", "write", "admin")),
            ),
            models.UniqueConstraint(
                name="inventory_taskneed_once", fields=["task", "system", "service"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.service or 'anything'} on {self.system}"
