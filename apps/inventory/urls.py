from django.urls import path

from apps.inventory.views import credentials, identities, lists, systems

app_name = "inventory"
urlpatterns = [
    path("agents/", lists.agent_list, name="agent_list"),
    path("systems/", lists.system_list, name="system_list"),
    path("systems/new/", systems.system_new, name="system_new"),
    path("systems/<int:pk>/", systems.system_detail, name="system_detail"),
    path("systems/<int:pk>/edit/", systems.system_edit, name="system_edit"),
    path("identities/", lists.identity_list, name="identity_list"),
    path("identities/<int:pk>/", identities.identity_detail, name="identity_detail"),
    path("identities/<int:pk>/bind/", identities.binding_new, name="binding_new"),
    path(
        "identities/<int:pk>/accountable/",
        identities.identity_accountable,
        name="identity_accountable",
    ),
    path("bindings/", lists.binding_list, name="binding_list"),
    path("bindings/<int:pk>/end/", identities.binding_close, name="binding_end"),
    path("credentials/", lists.credential_list, name="credential_list"),
    path("credentials/<int:pk>/", credentials.credential_detail, name="credential_detail"),
    path("credentials/<int:pk>/edit/", credentials.credential_edit, name="credential_edit"),
]
