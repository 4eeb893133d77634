from django.urls import URLPattern

app_name = "reviews"
# Campaigns, templates, calendar; then the bench.
urlpatterns: list[URLPattern] = []
