from allauth.idp.oidc.models import Client
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.links import record_href
from apps.inventory.models.agent import Agent
from apps.inventory.querysets.clients import AgentClientQuerySet
from apps.inventory.states import LONGEST_TOKEN, ClientState


class AgentClient(models.Model):
    """How an agent signs in to Countersign's own API: a client of the OAuth provider, and it alone.

    The provider keeps the secret's hash; nobody keeps the secret. `state` moves only through
    `apps.inventory.services`. A revoked one stays, so that what it asked for keeps its name.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="clients")
    oauth_client = models.OneToOneField(Client, models.PROTECT, related_name="agent_client")
    name = models.CharField(max_length=150, help_text="As its agent was called when it was made.")
    scopes = ArrayField(models.CharField(max_length=40))
    token_seconds = models.IntegerField(
        "life of its tokens for the trail alone", null=True, help_text="Without one, as any token."
    )
    collects = models.ManyToManyField(
        Agent,
        related_name="collected_by",
        blank=True,
        help_text="Agents whose telemetry it delivers: it is a collector once there is one.",
    )
    state = models.CharField(
        max_length=8, choices=ClientState, default=ClientState.ACTIVE, editable=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField(db_default=Now())
    rotated_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_token_at = models.DateTimeField(null=True)
    search = models.GeneratedField(
        expression=Lower(models.F("name")), output_field=models.TextField(), db_persist=True
    )

    objects = AgentClientQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "API client"
        constraints = [
            models.CheckConstraint(
                name="inventory_agentclient_state_known", condition=Q(state__in=ClientState.values)
            ),
            models.CheckConstraint(
                name="inventory_agentclient_revoked_at_iff_revoked",
                condition=Q(state=ClientState.REVOKED, revoked_at__isnull=False)
                | (~Q(state=ClientState.REVOKED) & Q(revoked_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="inventory_agentclient_token_seconds_bounded",
                condition=Q(token_seconds__isnull=True)
                | Q(token_seconds__gte=60, token_seconds__lte=LONGEST_TOKEN),
            ),
            models.UniqueConstraint(
                name="inventory_agentclient_one_active",
                fields=["agent"],
                condition=Q(state=ClientState.ACTIVE),
            ),
        ]
        indexes = [models.Index(name="inventory_agentclient_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return f"{self.name} (client {self.oauth_client_id[:8]})"

    def get_absolute_url(self) -> str:
        return record_href("console:agent_detail", self.agent_id)
