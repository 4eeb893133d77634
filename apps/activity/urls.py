from django.urls import path

from apps.activity.views import agents, credentials, invocations, reconstructions, searching, use

app_name = "activity"
urlpatterns = [
    path("", invocations.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", invocations.invocation_detail, name="invocation_detail"),
    path("invocations/<int:pk>/words/", invocations.payloads_open, name="payloads_open"),
    path("agents/<int:pk>/", agents.agent_activity, name="agent_activity"),
    path("agents/<int:pk>/purpose/", reconstructions.agent_standing, name="agent_standing"),
    path("credentials/<int:pk>/", credentials.credential_use, name="credential_use"),
    path("credentials/<int:pk>/breaks/", use.credential_breaks, name="credential_breaks"),
    path("grants/<int:pk>/", use.grant_use, name="grant_use"),
    path("records/<int:leaf>/", searching.record_detail, name="record_detail"),
    path("records/<int:leaf>/words/", invocations.payload_open, name="payload_open"),
    path("checks/", reconstructions.reconstruction_list, name="reconstruction_list"),
    path("checks/<int:pk>/", reconstructions.reconstruction_detail, name="reconstruction_detail"),
    path(
        "checks/<int:pk>/sign/",
        reconstructions.reconstruction_sign_dialog,
        name="reconstruction_sign",
    ),
    path("search/", searching.search_list, name="search"),
    path("search/save/", searching.search_save, name="search_save"),
    path("search/saved/<int:pk>/forget/", searching.search_forget, name="search_forget"),
]
