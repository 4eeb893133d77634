from django.urls import path

from apps.notices.views import notices, pages, routes

app_name = "notices"
urlpatterns = [
    path("", notices.notice_list, name="notice_list"),
    path("<int:pk>/", notices.notice_detail, name="notice_detail"),
    path("<int:pk>/retry/", notices.notice_retry, name="notice_retry"),
    path("pages/", pages.page_list, name="page_list"),
    path("pages/<int:pk>/", pages.page_detail, name="page_detail"),
    path("pages/<int:pk>/acknowledge/", pages.page_acknowledge, name="page_acknowledge"),
    path("pages/<int:pk>/resolve/", pages.page_resolve, name="page_resolve"),
    path("routes/", routes.route_list, name="route_list"),
    path("routes/new/<str:by>/", routes.route_new, name="route_new"),
    path("routes/<int:pk>/", routes.route_detail, name="route_detail"),
    path("routes/<int:pk>/test/", routes.route_test, name="route_test"),
    path("routes/<int:pk>/retire/", routes.route_retire, name="route_retire"),
]
