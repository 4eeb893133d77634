from apps.accounts.links import invitation_token
from tests.architecture.url_matrix import EVERYBODY, PUBLIC, STEWARDS, Row, inside
from tests.factories.accounts import InvitationFactory, TeamFactory, UserFactory


def _person():
    return [UserFactory().pk]


def _team():
    return [TeamFactory().pk]


def _invitation():
    return [InvitationFactory().pk]


def _link():
    return [invitation_token(InvitationFactory().seed)]


ROWS = {
    "accounts:settings": Row(EVERYBODY),
    "accounts:policy_list": Row(EVERYBODY),
    "accounts:policy_change": Row(STEWARDS, lambda: ["write_grant_days"]),
    "accounts:profile": Row(EVERYBODY),
    # Leads on to where the person proves who they are.
    "accounts:sign_in_again": Row(inside(302, 302, 302, 302)),
    "accounts:person_list": Row(EVERYBODY),
    "accounts:person_invite": Row(STEWARDS),
    "accounts:person_detail": Row(EVERYBODY, _person),
    "accounts:person_change": Row(EVERYBODY, _person),
    "accounts:person_reactivate": Row(STEWARDS, _person),
    "accounts:invitation_send_again": Row(STEWARDS, _invitation, method="post"),
    "accounts:invitation_withdraw": Row(STEWARDS, _invitation),
    "accounts:invitation_open": Row(PUBLIC, _link),
    "console:person_duties": Row(EVERYBODY, _person),
    "console:person_seat_systems": Row(EVERYBODY, _person),
    "console:seat_change": Row(STEWARDS, _person),
    "console:person_change_role": Row(STEWARDS, _person),
    "console:person_deactivate": Row(STEWARDS, _person),
    "accounts:ladder_list": Row(EVERYBODY),
    "accounts:ladder_house": Row(STEWARDS),
    "accounts:ladder_team": Row(STEWARDS, _team),
    "accounts:team_list": Row(EVERYBODY),
    "accounts:team_create": Row(STEWARDS),
    "accounts:team_detail": Row(EVERYBODY, _team),
    "accounts:team_change": Row(STEWARDS, _team),
}
