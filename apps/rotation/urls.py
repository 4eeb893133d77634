from django.urls import path

from apps.rotation.views import due, migrations, rotations

app_name = "rotation"
urlpatterns = [
    path("", due.due_list, name="due_list"),
    path("calendar/", due.due_calendar, name="due_calendar"),
    path("all/", rotations.rotation_list, name="rotation_list"),
    path("<int:pk>/", rotations.rotation_detail, name="rotation_detail"),
    path("<int:pk>/done/", rotations.rotation_done, name="rotation_done"),
    path("<int:pk>/again/", rotations.rotation_try_again, name="rotation_try_again"),
    path("<int:pk>/by-hand/", rotations.rotation_take_over, name="rotation_take_over"),
    path("<int:pk>/drop/", rotations.rotation_drop, name="rotation_drop"),
    path("<int:pk>/retire/", rotations.rotation_hurry, name="rotation_hurry"),
    path("ways-out/", migrations.migration_list, name="migration_list"),
    path("ways-out/<int:pk>/", migrations.migration_detail, name="migration_detail"),
    path("ways-out/<int:pk>/change/", migrations.migration_change, name="migration_change"),
    path("ways-out/<int:pk>/agree/", migrations.migration_agree, name="migration_agree"),
    path("ways-out/<int:pk>/begin/", migrations.migration_begin, name="migration_begin"),
    path("ways-out/<int:pk>/done/", migrations.migration_finish, name="migration_finish"),
    path("ways-out/<int:pk>/drop/", migrations.migration_drop, name="migration_drop"),
    path("credentials/<int:pk>/way-out/", migrations.migration_new, name="migration_new"),
    path("credentials/<int:pk>/", rotations.credential_panel, name="credential_panel"),
    path("credentials/<int:pk>/rotate/", rotations.rotation_new, name="rotation_new"),
]
