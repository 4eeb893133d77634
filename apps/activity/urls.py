from django.urls import path

from apps.activity import views

app_name = "activity"
urlpatterns = [
    path("", views.invocation_list, name="invocation_list"),
    path("invocations/<int:pk>/", views.invocation_detail, name="invocation_detail"),
    path(
        "invocations/<int:pk>/records/<int:leaf>/",
        views.payload_open,
        name="payload_open",
    ),
]
