from django.urls import path

from apps.issuing import views

app_name = "issuing"
urlpatterns = [
    path("", views.issuance_list, name="issuance_list"),
    path("<int:pk>/", views.issuance_detail, name="issuance_detail"),
    path("<int:pk>/end/", views.issuance_end, name="issuance_end"),
    path("agents/<int:pk>/", views.agent_panel, name="agent_panel"),
]
