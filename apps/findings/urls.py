from django.urls import path

from apps.findings import views

app_name = "findings"
urlpatterns = [
    path("", views.finding_list, name="finding_list"),
    path("recheck/", views.recheck, name="recheck"),
    path("of-agent/<int:agent_pk>/", views.agent_panel, name="agent_panel"),
    path("<int:pk>/", views.finding_detail, name="finding_detail"),
    path("<int:pk>/<slug:act>/", views.finding_act, name="finding_act"),
]
