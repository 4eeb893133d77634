"""The lists of the inventory: each starts from what the actor may see."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from apps.core.htmx import Request
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.inventory import policies
from apps.inventory.filters import (
    AgentFilterSet,
    BindingFilterSet,
    CredentialFilterSet,
    IdentityFilterSet,
    SystemFilterSet,
)
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.inventory.tables import (
    AgentTable,
    BindingTable,
    CredentialTable,
    IdentityTable,
    SystemTable,
)

FROM_SOURCES = "They come with a source: import an inventory, or a cloud account's details."


@require_GET
@page(policies.can_browse)
def agent_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "inventory/agent_list.html",
        rows=Agent.objects.visible_to(request.actor).for_table(),
        table_class=AgentTable,
        filterset_class=AgentFilterSet,
        context={
            "may_create": policies.can_create_agent(request.actor),
            "empty_title": "No agents yet",
            "empty_text": "Write one down here, or import a list of agents with what they are for.",
            "empty_icon": "robot",
        },
        csv_name="agents",
    )


@require_GET
@page(policies.can_browse)
def system_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "inventory/system_list.html",
        rows=System.objects.visible_to(request.actor).for_table(),
        table_class=SystemTable,
        filterset_class=SystemFilterSet,
        context={
            "may_create": policies.can_create_system(request.actor),
            "empty_title": "No systems yet",
            "empty_text": FROM_SOURCES,
            "empty_icon": "server-2",
        },
        csv_name="systems",
    )


@require_GET
@page(policies.can_browse)
def identity_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "inventory/identity_list.html",
        rows=Identity.objects.visible_to(request.actor).for_table(),
        table_class=IdentityTable,
        filterset_class=IdentityFilterSet,
        context={
            "empty_title": "No identities yet",
            "empty_text": FROM_SOURCES,
            "empty_icon": "id",
        },
        csv_name="identities",
    )


@require_GET
@page(policies.can_browse)
def binding_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "inventory/binding_list.html",
        rows=Binding.objects.visible_to(request.actor).for_table(),
        table_class=BindingTable,
        filterset_class=BindingFilterSet,
        context={
            "empty_title": "No bindings yet",
            "empty_text": "An identity's page says which agent acts as it.",
            "empty_icon": "link",
        },
        csv_name="bindings",
    )


@require_GET
@page(policies.can_browse)
def credential_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "inventory/credential_list.html",
        rows=Credential.objects.visible_to(request.actor).for_table(),
        table_class=CredentialTable,
        filterset_class=CredentialFilterSet,
        context={
            "empty_title": "No credentials yet",
            "empty_text": FROM_SOURCES,
            "empty_icon": "key",
        },
        csv_name="credentials",
    )
