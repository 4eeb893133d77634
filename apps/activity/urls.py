from django.urls import path

from apps.activity.views import explained, invocations

app_name = "activity"
urlpatterns = [
    path("", invocations.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", invocations.invocation_detail, name="invocation_detail"),
    path(
        "invocations/<int:pk>/records/<int:leaf>/",
        invocations.payload_open,
        name="payload_open",
    ),
    path("calls/", explained.call_list, name="call_list"),
    path("deeds/", explained.deed_list, name="deed_list"),
    path("agents/<int:pk>/explained/", explained.agent_explained, name="agent_explained"),
    path("identities/<int:pk>/calls/", explained.identity_calls, name="identity_calls"),
    path("credentials/<int:pk>/calls/", explained.credential_calls, name="credential_calls"),
]
