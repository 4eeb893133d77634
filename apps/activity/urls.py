from django.urls import path

from apps.activity.views import invocations, logs

app_name = "activity"
urlpatterns = [
    path("", invocations.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", invocations.invocation_detail, name="invocation_detail"),
    path(
        "invocations/<int:pk>/records/<int:leaf>/",
        invocations.payload_open,
        name="payload_open",
    ),
    path("logs/", logs.log_list, name="log_list"),
    path("logs/new/", logs.log_new, name="log_new"),
    path("logs/try/", logs.log_try, name="log_try"),
    path("logs/<int:pk>/", logs.log_detail, name="log_detail"),
    path("logs/<int:pk>/change/", logs.log_change, name="log_change"),
    path("logs/<int:pk>/upload/", logs.log_upload, name="log_upload"),
    path("logs/imports/<int:pk>/", logs.log_import_detail, name="log_import_detail"),
]
