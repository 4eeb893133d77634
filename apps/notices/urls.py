from django.urls import path

from apps.notices import views

app_name = "notices"
urlpatterns = [
    path("", views.notice_list, name="notice_list"),
    path("<int:pk>/", views.notice_detail, name="notice_detail"),
    path("<int:pk>/retry/", views.notice_retry, name="notice_retry"),
]
