from django.urls import path

from apps.console.views import home, search

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("nav-counts/", home.nav_counts, name="nav_counts"),
    path("search/", search.search, name="search"),
]
