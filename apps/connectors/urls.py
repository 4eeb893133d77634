from django.urls import path

from apps.connectors.views import connections, logs, sources

app_name = "connectors"
urlpatterns = [
    path("", sources.source_list, name="source_list"),
    path("<int:pk>/", sources.source_detail, name="source_detail"),
    path("upload/", sources.upload, name="sync_upload"),
    path("export/", sources.export, name="inventory_export"),
    path("readings/<int:pk>/", sources.sync_detail, name="sync_detail"),
    path("readings/<int:pk>/apply/", sources.sync_apply, name="sync_apply"),
    path("readings/<int:pk>/discard/", sources.sync_discard, name="sync_discard"),
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/<slug:kind>/", connections.connection_new, name="connection_new"),
    path("connections/<int:pk>/", connections.connection_detail, name="connection_detail"),
    path("connections/<int:pk>/change/", connections.connection_change, name="connection_change"),
    path("connections/<int:pk>/test/", connections.connection_test, name="connection_test"),
    path("connections/<int:pk>/read/", connections.connection_read, name="connection_read"),
    path(
        "connections/<int:pk>/ask-removal/",
        connections.connection_ask_removal,
        name="connection_ask_removal",
    ),
    path(
        "connections/<int:pk>/allow-removal/",
        connections.connection_allow_removal,
        name="connection_allow_removal",
    ),
    path(
        "connections/<int:pk>/stop-removal/",
        connections.connection_stop_removal,
        name="connection_stop_removal",
    ),
    path("connections/<int:pk>/retire/", connections.connection_retire, name="connection_retire"),
    path("logs/<int:pk>/", logs.log_sources, name="log_sources"),
    path("logs/<int:pk>/add/", logs.log_source_add, name="log_source_add"),
    path("logs/<int:pk>/end/", logs.log_end, name="log_end"),
    path("logs/read/<int:pk>/", logs.log_source_read, name="log_source_read"),
    path("logs/stop/<int:pk>/", logs.log_source_stop, name="log_source_stop"),
]
