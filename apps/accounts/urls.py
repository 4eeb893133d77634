from django.urls import path

from apps.accounts.views import invitations, on_call, people, profile, settings, teams

app_name = "accounts"
urlpatterns = [
    path("", settings.settings_home, name="settings"),
    path("policies/", settings.policy_list, name="policy_list"),
    path("policies/<str:key>/", settings.policy_change, name="policy_change"),
    path("profile/", profile.profile, name="profile"),
    path("sign-in-again/", profile.sign_in_again, name="sign_in_again"),
    path("people/", people.person_list, name="person_list"),
    path("people/invite/", invitations.person_invite, name="person_invite"),
    path("people/<int:pk>/", people.person_detail, name="person_detail"),
    path("people/<int:pk>/change/", people.person_change, name="person_change"),
    path("people/<int:pk>/reactivate/", people.person_reactivate, name="person_reactivate"),
    path(
        "invitations/<int:pk>/again/",
        invitations.invitation_send_again,
        name="invitation_send_again",
    ),
    path(
        "invitations/<int:pk>/withdraw/",
        invitations.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("invitation/<str:token>/", invitations.invitation_open, name="invitation_open"),
    path("notices/on-call/", on_call.ladder_list, name="ladder_list"),
    path("notices/on-call/house/", on_call.ladder_house, name="ladder_house"),
    path("notices/on-call/<int:pk>/", on_call.ladder_team, name="ladder_team"),
    path("teams/", teams.team_list, name="team_list"),
    path("teams/new/", teams.team_create, name="team_create"),
    path("teams/<int:pk>/", teams.team_detail, name="team_detail"),
    path("teams/<int:pk>/change/", teams.team_change, name="team_change"),
]
