from django.urls import path

from apps.rotation.views import due

app_name = "rotation"
urlpatterns = [
    path("", due.due_list, name="due_list"),
    path("calendar/", due.due_calendar, name="due_calendar"),
]
