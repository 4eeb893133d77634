from django.urls import path

from apps.connectors import views

app_name = "connectors"
urlpatterns = [
    path("", views.source_list, name="source_list"),
    path("<int:pk>/", views.source_detail, name="source_detail"),
    path("upload/", views.upload, name="sync_upload"),
    path("export/", views.export, name="inventory_export"),
    path("readings/<int:pk>/", views.sync_detail, name="sync_detail"),
    path("readings/<int:pk>/apply/", views.sync_apply, name="sync_apply"),
    path("readings/<int:pk>/discard/", views.sync_discard, name="sync_discard"),
]
