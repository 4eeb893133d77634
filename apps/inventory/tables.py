from typing import Any

import django_tables2 as tables

from apps.core.tables import (
    MomentColumn,
    MonoColumn,
    NumberColumn,
    PersonColumn,
    StateColumn,
    Table,
)
from apps.inventory.models import Agent, AgentClient, Binding, Credential, Identity, System
from apps.inventory.selectors.exposure import exposure_of


class AgentTable(Table):
    name = tables.Column(linkify=True, verbose_name="Agent")
    state = StateColumn()
    owner = PersonColumn()
    team = tables.Column()
    environment = tables.Column()
    purpose_changed_at = MomentColumn(verbose_name="Purpose changed")
    technical_owner = PersonColumn()
    platform = tables.Column()
    autonomy = tables.Column()

    class Meta(Table.Meta):
        model = Agent
        fields = [
            "name",
            "state",
            "owner",
            "team",
            "environment",
            "purpose_changed_at",
            "technical_owner",
            "platform",
            "autonomy",
        ]
        sortable = {"name": ("name",), "purpose_changed_at": ("purpose_changed_at",)}
        nulls_smallest = ("purpose_changed_at",)
        order_by = "name"
        extra = ("technical_owner", "platform", "autonomy")
        empty_text = "No agents match."


class SystemTable(Table):
    name = tables.Column(linkify=True, verbose_name="System")
    kind = tables.Column()
    account = MonoColumn()
    environment = tables.Column()
    owner = PersonColumn()
    log_connected = tables.BooleanColumn(verbose_name="Log connected")
    gone_at = MomentColumn(verbose_name="Gone")

    class Meta(Table.Meta):
        model = System
        fields = ["name", "kind", "account", "environment", "owner", "log_connected", "gone_at"]
        sortable = {"name": ("name",)}
        order_by = "name"
        extra = ("gone_at",)
        empty_text = "No systems match."


class IdentityTable(Table):
    name = tables.Column(linkify=True, verbose_name="Identity")
    system = tables.Column(linkify=True)
    kind = tables.Column()
    binding_count = NumberColumn(verbose_name="Agents")
    accountable_agent = tables.Column(linkify=True, verbose_name="Chosen as accountable")
    last_used_at = MomentColumn(verbose_name="Last used")
    external_id = MonoColumn(verbose_name="Called there")
    gone_at = MomentColumn(verbose_name="Gone")

    class Meta(Table.Meta):
        model = Identity
        fields = [
            "name",
            "system",
            "kind",
            "binding_count",
            "accountable_agent",
            "last_used_at",
            "external_id",
            "gone_at",
        ]
        sortable = {"name": ("name",), "last_used_at": ("last_used_at",)}
        nulls_smallest = ("last_used_at",)
        order_by = "name"
        extra = ("accountable_agent", "external_id", "gone_at")
        joined = {"system": "system", "accountable_agent": "accountable_agent"}
        empty_text = "No identities match."


class BindingTable(Table):
    agent = tables.Column(linkify=True)
    identity = tables.Column(linkify=True)
    system = tables.Column(accessor="identity__system")
    how = tables.Column()
    bound_by = PersonColumn(verbose_name="Declared by")
    bound_at = MomentColumn(verbose_name="Since")
    ended_at = MomentColumn(verbose_name="Ended")

    class Meta(Table.Meta):
        model = Binding
        fields = ["agent", "identity", "system", "how", "bound_by", "bound_at", "ended_at"]
        order_by = ""
        empty_text = "No bindings match."


class ExposureColumn(tables.Column):
    """Until when one stolen now would work, in a few words."""

    empty_values = ()

    def __init__(self, **kwargs: Any):
        super().__init__(accessor="pk", **kwargs)

    def render(self, record: Credential) -> str:
        return exposure_of(record).briefly

    def value(self, record: Credential) -> str:
        return exposure_of(record).briefly


class CredentialTable(Table):
    external_id = tables.Column(linkify=True, verbose_name="Credential")
    identity = tables.Column(linkify=True)
    system = tables.Column(accessor="identity__system")
    kind = tables.Column()
    state = StateColumn()
    agent_count = NumberColumn(verbose_name="Agents")
    issued_at = MomentColumn(verbose_name="Issued")
    expires_at = MomentColumn(verbose_name="Expires")
    last_used_at = MomentColumn(verbose_name="Last used")
    stored_in = tables.Column(verbose_name="Secret stored in")
    exposure = ExposureColumn(verbose_name="One stolen now works")
    rotated_at = MomentColumn(verbose_name="Rotated")
    rotation_due_at = MomentColumn(verbose_name="Rotation due")
    gone_at = MomentColumn(verbose_name="Gone")

    class Meta(Table.Meta):
        model = Credential
        fields = [
            "external_id",
            "identity",
            "system",
            "kind",
            "state",
            "agent_count",
            "issued_at",
            "expires_at",
            "last_used_at",
            "stored_in",
            "exposure",
            "rotated_at",
            "rotation_due_at",
            "gone_at",
        ]
        sortable = {
            "external_id": ("external_id",),
            "issued_at": ("issued_at",),
            "expires_at": ("expires_at",),
            "last_used_at": ("last_used_at",),
            "rotation_due_at": ("rotation_due_at",),
        }
        nulls_smallest = ("last_used_at", "issued_at")
        order_by = "external_id"
        extra = ("stored_in", "exposure", "rotated_at", "rotation_due_at", "gone_at")
        joined = {"identity": "identity", "system": "identity__system", "agent_count": "identity"}
        empty_text = "No credentials match."


class AgentClientTable(Table):
    name = tables.Column(linkify=True, verbose_name="Agent")
    state = StateColumn()
    oauth_client_id = MonoColumn(verbose_name="Client")
    scopes = tables.Column(verbose_name="May")
    made_by = PersonColumn(verbose_name="Made by")
    made_at = MomentColumn(verbose_name="Made")
    rotated_at = MomentColumn(verbose_name="New secret")
    last_token_at = MomentColumn(verbose_name="Last signed in")
    revoked_at = MomentColumn(verbose_name="Revoked")

    class Meta(Table.Meta):
        model = AgentClient
        fields = [
            "name",
            "state",
            "oauth_client_id",
            "scopes",
            "made_by",
            "made_at",
            "rotated_at",
            "last_token_at",
            "revoked_at",
        ]
        sortable = {"name": ("name",)}
        order_by = "name"
        extra = ("made_by", "revoked_at")
        empty_text = "No clients match."

    def render_scopes(self, value: list[str]) -> str:
        return ", ".join(value)
