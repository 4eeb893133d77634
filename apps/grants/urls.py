from django.urls import path

from apps.grants.views import details, lists

app_name = "grants"
urlpatterns = [
    path("grants/", lists.grant_list, name="grant_list"),
    path("grants/<int:pk>/", details.grant_detail, name="grant_detail"),
    path("grants/<int:pk>/justify/", details.grant_justify_dialog, name="grant_justify"),
    path("of-identity/<int:pk>/", details.identity_grants, name="identity_grants"),
    path("permissions/", lists.permission_list, name="permission_list"),
    path("permissions/<int:pk>/", details.permission_detail, name="permission_detail"),
    path(
        "permissions/<int:pk>/classify/",
        details.permission_override_dialog,
        name="permission_override",
    ),
    path("justifications/", lists.justification_list, name="justification_list"),
]
