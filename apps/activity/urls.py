from django.urls import path

from apps.activity.views import (
    agents,
    credentials,
    explained,
    invocations,
    logs,
    reconstructions,
    searching,
    use,
)

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
    path("logs/", logs.log_list, name="log_list"),
    path("logs/new/", logs.log_new, name="log_new"),
    path("logs/try/", logs.log_try, name="log_try"),
    path("logs/<int:pk>/", logs.log_detail, name="log_detail"),
    path("logs/<int:pk>/change/", logs.log_change, name="log_change"),
    path("logs/<int:pk>/upload/", logs.log_upload, name="log_upload"),
    path("logs/imports/<int:pk>/", logs.log_import_detail, name="log_import_detail"),
    path("calls/", explained.call_list, name="call_list"),
    path("deeds/", explained.deed_list, name="deed_list"),
    path("agents/<int:pk>/explained/", explained.agent_explained, name="agent_explained"),
    path("identities/<int:pk>/calls/", explained.identity_calls, name="identity_calls"),
    path("credentials/<int:pk>/calls/", explained.credential_calls, name="credential_calls"),
]
