from django.urls import path

from apps.console.views import (
    agent_acts,
    agent_clients,
    agents,
    home,
    people,
    proof,
    record,
    search,
    trail,
)

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("nav-counts/", home.nav_counts, name="nav_counts"),
    path("search/", search.search, name="search"),
    path("trail/record/", record.record_list, name="record_list"),
    path("trail/record/<int:pk>/", record.record_detail, name="record_detail"),
    path("trail/record/<int:pk>/proof/", record.record_proof, name="record_proof"),
    path(
        "trail/record/of/<str:target_type>/<int:pk>/",
        record.record_timeline,
        name="record_timeline",
    ),
    path("trail/around/<str:kind>/<int:pk>/", trail.around, name="around"),
    path("trail/invocations/<int:pk>/access/", trail.invocation_access, name="invocation_access"),
    path("trail/records/<int:leaf>/access/", trail.record_access, name="record_access"),
    path("trail/proof/", proof.proof, name="proof"),
    path(
        "trail/proof/checkpoints/<int:pk>/",
        proof.checkpoint_download,
        name="checkpoint_download",
    ),
    path("inventory/agents/new/", agents.agent_new, name="agent_new"),
    path("inventory/agents/<int:pk>/", agents.agent_detail, name="agent_detail"),
    path("inventory/agents/<int:pk>/edit/", agents.agent_edit, name="agent_edit"),
    path("inventory/agents/<int:pk>/bind/", agents.agent_bind, name="agent_bind"),
    path(
        "inventory/agents/<int:pk>/purpose/",
        agent_acts.agent_change_purpose,
        name="agent_change_purpose",
    ),
    path(
        "inventory/agents/<int:pk>/purpose/accept/",
        agent_acts.agent_accept_purpose,
        name="agent_accept_purpose",
    ),
    path(
        "inventory/agents/<int:pk>/owner/",
        agent_acts.agent_change_owner,
        name="agent_change_owner",
    ),
    path("inventory/agents/<int:pk>/activate/", agent_acts.agent_activate, name="agent_activate"),
    path("inventory/agents/<int:pk>/suspend/", agent_acts.agent_suspend, name="agent_suspend"),
    path("inventory/agents/<int:pk>/resume/", agent_acts.agent_resume, name="agent_resume"),
    path("inventory/agents/<int:pk>/retire/", agent_acts.agent_retire, name="agent_retire"),
    path("inventory/agents/<int:pk>/client/", agent_clients.client_new, name="client_new"),
    path(
        "inventory/agents/<int:pk>/client/secret/",
        agent_clients.client_rotate,
        name="client_rotate",
    ),
    path(
        "inventory/agents/<int:pk>/client/collects/",
        agent_clients.client_collects,
        name="client_collects",
    ),
    path(
        "inventory/agents/<int:pk>/client/revoke/",
        agent_clients.client_revoke,
        name="client_revoke",
    ),
    path("settings/clients/", agent_clients.client_list, name="client_list"),
    path("settings/people/<int:pk>/duties/", people.person_duties, name="person_duties"),
    path(
        "settings/people/<int:pk>/seat/systems/",
        people.person_seat_systems,
        name="person_seat_systems",
    ),
    path("settings/people/<int:pk>/seat/", people.seat_change, name="seat_change"),
    path("settings/people/<int:pk>/role/", people.person_change_role, name="person_change_role"),
    path(
        "settings/people/<int:pk>/deactivate/",
        people.person_deactivate,
        name="person_deactivate",
    ),
]
