from django.urls import path

from apps.approvals.views import break_glass, ending, panels, policies, request_acts, requests

app_name = "approvals"
urlpatterns = [
    path("", requests.request_list, name="request_list"),
    path("show/<slug:tab>/", requests.request_list, name="request_tab"),
    path("ask/<int:agent_pk>/", requests.ask_agent, name="ask_agent"),
    path(
        "ask/<int:agent_pk>/<int:identity_pk>/<int:permission_pk>/",
        requests.ask_permission,
        name="ask_permission",
    ),
    path("ends/<int:pk>/", ending.ends_panel, name="ends_panel"),
    path("grants/<int:pk>/renew/", ending.grant_renew, name="grant_renew"),
    path("unused/<int:pk>/keep/", ending.proposal_keep_view, name="proposal_keep"),
    path("unused/<int:pk>/remove/", ending.proposal_order_view, name="proposal_order"),
    path("about/<slug:what>/<int:pk>/", panels.about_panel, name="about_panel"),
    path("break-glass/", break_glass.break_glass_list, name="break_glass_list"),
    path("break-glass/take/", break_glass.break_glass_find, name="break_glass_find"),
    path(
        "break-glass/take/<int:agent_pk>/",
        break_glass.break_glass_choose,
        name="break_glass_choose",
    ),
    path(
        "break-glass/take/<int:agent_pk>/<int:identity_pk>/<int:permission_pk>/",
        break_glass.break_glass_take_view,
        name="break_glass_take",
    ),
    path("break-glass/<int:pk>/", break_glass.break_glass_detail, name="break_glass_detail"),
    path("break-glass/<int:pk>/end/", break_glass.break_glass_end_view, name="break_glass_end"),
    path(
        "break-glass/<int:pk>/review/",
        break_glass.break_glass_review_view,
        name="break_glass_review",
    ),
    path("policies/", policies.policy_list, name="policy_list"),
    path("policies/new/", policies.policy_new, name="policy_new"),
    path("policies/ready/", policies.policies_ready, name="policies_ready"),
    path("policies/try/", policies.policy_try, name="policy_try"),
    path("policies/<int:pk>/", policies.policy_detail, name="policy_detail"),
    path("policies/<int:pk>/change/", policies.policy_change, name="policy_change"),
    path("policies/<int:pk>/retire/", policies.policy_retire, name="policy_retire"),
    path("groups/new/", policies.group_new, name="group_new"),
    path("groups/<int:pk>/", policies.group_detail, name="group_detail"),
    path("groups/<int:pk>/change/", policies.group_change, name="group_change"),
    path("<int:pk>/", requests.request_detail, name="request_detail"),
    path("<int:pk>/approve/", request_acts.request_approve, name="request_approve"),
    path("<int:pk>/deny/", request_acts.request_deny, name="request_deny"),
    path("<int:pk>/question/", request_acts.request_question, name="request_question"),
    path("<int:pk>/questions/<int:note_pk>/", request_acts.request_answer, name="request_answer"),
    path("<int:pk>/renew/", ending.request_renew, name="request_renew"),
    path("<int:pk>/cancel/", request_acts.request_cancel_view, name="request_cancel"),
    path("<int:pk>/in-place/", request_acts.request_provision_view, name="request_provision"),
]
