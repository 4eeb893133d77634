"""Search everywhere: a few rows of each kind, each list one click away."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Model
from django.urls import reverse

from apps.core.actors import Actor
from apps.grants.models import Grant, Permission
from apps.inventory.models import Agent, Credential, Identity, System
from apps.reviews.models import Campaign

SHOWN = 5
SHORTEST = 3
PLACES: tuple[tuple[str, str, type[Model], str, str], ...] = (
    ("Agents", "robot", Agent, "search", "inventory:agent_list"),
    ("Identities", "id", Identity, "search", "inventory:identity_list"),
    ("Credentials", "key", Credential, "search", "inventory:credential_list"),
    ("Grants", "shield-check", Grant, "search", "grants:grant_list"),
    ("Permissions", "lock-access", Permission, "search", "grants:permission_list"),
    ("Systems", "server-2", System, "search", "inventory:system_list"),
    ("Campaigns", "checklist", Campaign, "name", "reviews:campaign_list"),
)


@dataclass(frozen=True, slots=True)
class Found:
    kind: str
    icon: str
    rows: Sequence[Model]
    href: str


def search_everywhere(actor: Actor, text: str) -> list[Found]:
    """What matches, five of each kind; one query a kind.

    Fewer than three letters find nothing: no index serves them.
    """
    wanted = text.strip().lower()
    if len(wanted) < SHORTEST:
        return []
    found = [
        Found(
            kind,
            icon,
            model._default_manager.visible_to(actor)  # type: ignore[attr-defined]
            .filter(**{f"{column}__icontains": wanted})
            .order_by("pk")[:SHOWN],
            reverse(url, query={"q": text}),
        )
        for kind, icon, model, column, url in PLACES
    ]
    return [place for place in found if place.rows]
