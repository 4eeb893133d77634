from django.urls import path

from apps.remediation.views import batches, ending, incidents, leaks, orders

app_name = "remediation"
urlpatterns = [
    path("", orders.order_list, name="order_list"),
    path("<int:pk>/", orders.order_detail, name="order_detail"),
    path("leaked/", leaks.leak_search, name="leak_search"),
    path("leaked/take-in/", leaks.leak_adopt, name="leak_adopt"),
    path("incidents/", incidents.incident_list, name="incident_list"),
    path("incidents/<int:pk>/", incidents.incident_detail, name="incident_detail"),
    path("incidents/<int:pk>/calls/", incidents.incident_calls, name="incident_calls"),
    path("incidents/<int:pk>/read/", incidents.incident_read, name="incident_read"),
    path("incidents/<int:pk>/take-back/", incidents.incident_take_back, name="incident_take_back"),
    path("incidents/<int:pk>/close/", incidents.incident_close, name="incident_close"),
    path("batches/<int:pk>/", batches.batch_detail, name="batch_detail"),
    path("batches/<int:pk>/release/", batches.batch_release, name="batch_release"),
    path("batches/<int:pk>/refuse/", batches.batch_refuse, name="batch_refuse"),
    path("agents/<int:pk>/stop/", batches.agent_stop, name="agent_stop"),
    path("reach/", ending.reach, name="reach"),
    path("credentials/many/", batches.credentials_end, name="credentials_end"),
    path("<int:pk>/carried-out/", orders.order_carry_out, name="order_carry_out"),
    path("<int:pk>/confirm/", orders.order_confirm, name="order_confirm"),
    path("<int:pk>/confirm-kill/", ending.kill_confirm, name="kill_confirm"),
    path("<int:pk>/try/", ending.order_try, name="order_try"),
    path("<int:pk>/undo/", ending.order_undo, name="order_undo"),
    path("credentials/<int:pk>/revoke/", ending.credential_revoke, name="credential_revoke"),
    path("credentials/<int:pk>/ending/", ending.credential_panel, name="credential_panel"),
    path("credentials/<int:pk>/kill/", ending.credential_kill, name="credential_kill"),
    path("<int:pk>/exception/", orders.order_except, name="order_except"),
    path("<int:pk>/proofs/<int:proof_pk>/", orders.proof_file, name="proof_file"),
]
