from django.urls import path

from apps.activity.views import agents, credentials, invocations, keeping, searching

app_name = "activity"
urlpatterns = [
    path("", invocations.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", invocations.invocation_detail, name="invocation_detail"),
    path("invocations/<int:pk>/words/", invocations.payloads_open, name="payloads_open"),
    path("agents/<int:pk>/", agents.agent_activity, name="agent_activity"),
    path("credentials/<int:pk>/", credentials.credential_use, name="credential_use"),
    path("records/<int:leaf>/", searching.record_detail, name="record_detail"),
    path("records/<int:leaf>/words/", invocations.payload_open, name="payload_open"),
    path("records/<int:leaf>/erase/", keeping.erasure_new, name="erasure_new"),
    path("kept/", keeping.kept, name="kept"),
    path("kept/archive/", keeping.months_archive, name="months_archive"),
    path("erasures/", keeping.erasure_list, name="erasure_list"),
    path("erasures/<int:pk>/", keeping.erasure_detail, name="erasure_detail"),
    path("erasures/<int:pk>/approve/", keeping.erasure_allow, name="erasure_allow"),
    path("erasures/<int:pk>/refuse/", keeping.erasure_deny, name="erasure_deny"),
    path("erasures/<int:pk>/take-back/", keeping.erasure_take_back, name="erasure_take_back"),
    path("search/", searching.search_list, name="search"),
    path("search/save/", searching.search_save, name="search_save"),
    path("search/saved/<int:pk>/forget/", searching.search_forget, name="search_forget"),
]
