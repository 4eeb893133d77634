from django.urls import path

from apps.reviews.views import bench, beyond, campaign_acts, campaigns, exclusions, items, templates

app_name = "reviews"
# Campaigns, templates, calendar; then the bench.
urlpatterns = [
    path("", campaigns.campaign_list, name="campaign_list"),
    path("new/", campaigns.campaign_new, name="campaign_new"),
    path("<int:pk>/", campaigns.campaign_detail, name="campaign_detail"),
    path("<int:pk>/items/", campaigns.campaign_items, name="campaign_items"),
    path("<int:pk>/beyond/", beyond.campaign_beyond, name="campaign_beyond"),
    path("<int:pk>/beyond/start/", beyond.beyond_start, name="beyond_start"),
    path("<int:pk>/stage/", campaign_acts.campaign_stage, name="campaign_stage"),
    path("<int:pk>/launch/", campaign_acts.campaign_launch, name="campaign_launch"),
    path("<int:pk>/remind/", campaign_acts.campaign_remind, name="campaign_remind"),
    path("<int:pk>/end/", campaign_acts.campaign_decide, name="campaign_decide"),
    path("<int:pk>/cancel/", campaign_acts.campaign_cancel, name="campaign_cancel"),
    path("<int:pk>/close/", campaign_acts.campaign_close, name="campaign_close"),
    path("<int:pk>/acknowledge/", campaign_acts.campaign_acknowledge, name="campaign_acknowledge"),
    path("<int:pk>/holds/<int:hold_pk>/", campaign_acts.hold_decide, name="hold_decide"),
    path("calendar/", templates.calendar, name="calendar"),
    path("templates/", templates.template_list, name="template_list"),
    path("templates/new/", templates.template_new, name="template_new"),
    path("templates/ready/", templates.templates_ready, name="templates_ready"),
    path("templates/preview/", templates.instructions_preview, name="instructions_preview"),
    path("templates/<int:pk>/", templates.template_detail, name="template_detail"),
    path("templates/<int:pk>/change/", templates.template_change, name="template_change"),
    path("templates/<int:pk>/retire/", templates.template_retire, name="template_retire"),
    path("templates/<int:pk>/start/", templates.template_start, name="template_start"),
    path("bench/<int:pk>/", bench.bench, name="bench"),
    path("bench/<int:pk>/agents/<int:agent_pk>/", bench.bench_agent, name="bench_agent"),
    path(
        "bench/<int:pk>/agents/<int:agent_pk>/progress/",
        bench.bench_progress,
        name="bench_progress",
    ),
    path("bench/<int:pk>/agents/<int:agent_pk>/revoke/", bench.bench_revoke, name="bench_revoke"),
    path("bench/<int:pk>/submit/", bench.bench_submit, name="bench_submit"),
    path("bench/<int:pk>/asked/", bench.bench_owner, name="bench_owner"),
    path("items/<int:pk>/", items.item_detail, name="item_detail"),
    path("items/<int:pk>/card/", items.item_card, name="item_card"),
    path("items/<int:pk>/draft/", items.item_draft, name="item_draft"),
    path("items/<int:pk>/undo/", items.item_undo, name="item_undo"),
    path("items/<int:pk>/reassign/", items.item_reassign, name="item_reassign"),
    path("items/<int:pk>/reroute/", items.item_reroute, name="item_reroute"),
    path("items/<int:pk>/exclude/", exclusions.item_exclude, name="item_exclude"),
    path("items/<int:pk>/<slug:kind>/", items.item_note, name="item_note"),
]
