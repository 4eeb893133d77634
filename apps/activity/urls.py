from django.urls import path

from apps.activity.views import agents, credentials, invocations, searching

app_name = "activity"
urlpatterns = [
    path("", invocations.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", invocations.invocation_detail, name="invocation_detail"),
    path("invocations/<int:pk>/words/", invocations.payloads_open, name="payloads_open"),
    path("agents/<int:pk>/", agents.agent_activity, name="agent_activity"),
    path("credentials/<int:pk>/", credentials.credential_use, name="credential_use"),
    path("records/<int:leaf>/", searching.record_detail, name="record_detail"),
    path("records/<int:leaf>/words/", invocations.payload_open, name="payload_open"),
    path("search/", searching.search_list, name="search"),
    path("search/save/", searching.search_save, name="search_save"),
    path("search/saved/<int:pk>/forget/", searching.search_forget, name="search_forget"),
]
