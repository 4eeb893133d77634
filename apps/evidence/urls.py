from django.urls import path

from apps.evidence.views import access, incidents, packages, public, samples, trail

app_name = "evidence"
urlpatterns = [
    path(".well-known/countersign-log.json", public.keys, name="keys"),
    path(".well-known/countersign-verify.py", public.verifier, name="verifier"),
    path("evidence/", packages.package_list, name="package_list"),
    path("evidence/<int:pk>/", packages.package_detail, name="package_detail"),
    path("evidence/<int:pk>/job/", packages.package_job, name="package_job"),
    path("evidence/<int:pk>/download/", packages.package_download, name="package_download"),
    path("evidence/of-campaign/<int:campaign_pk>/", packages.package_create, name="package_create"),
    path(
        "evidence/of-request/<int:request_pk>/",
        access.request_package_create,
        name="request_package_create",
    ),
    path(
        "evidence/of-incident/<int:incident_pk>/",
        incidents.incident_package_create,
        name="incident_package_create",
    ),
    path(
        "evidence/of-invocation/<int:invocation_pk>/",
        trail.invocation_package_create,
        name="invocation_package_create",
    ),
    path(
        "evidence/of-agent/<int:agent_pk>/",
        trail.agent_package_create,
        name="agent_package_create",
    ),
    path(
        "evidence/of-everything/",
        trail.everything_package_create,
        name="everything_package_create",
    ),
    path("evidence/of-period/", access.period_package_create, name="period_package_create"),
    path(
        "evidence/of-campaign/<int:campaign_pk>/sample/",
        samples.sample_create,
        name="sample_create",
    ),
    path("evidence/samples/", samples.sample_list, name="sample_list"),
    path("evidence/samples/<int:pk>/", samples.sample_detail, name="sample_detail"),
    path("evidence/items/<int:pk>/", samples.item_story, name="item_story"),
]
