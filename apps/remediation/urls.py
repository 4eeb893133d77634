from django.urls import path

from apps.remediation import views

app_name = "remediation"
urlpatterns = [
    path("", views.order_list, name="order_list"),
    path("<int:pk>/", views.order_detail, name="order_detail"),
    path("<int:pk>/carried-out/", views.order_carry_out, name="order_carry_out"),
    path("<int:pk>/confirm/", views.order_confirm, name="order_confirm"),
    path("<int:pk>/exception/", views.order_except, name="order_except"),
    path("<int:pk>/proofs/<int:proof_pk>/", views.proof_file, name="proof_file"),
]
