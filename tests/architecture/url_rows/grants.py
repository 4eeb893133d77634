from tests.architecture.url_matrix import EVERYBODY, RECORD, STEWARDS, Row
from tests.factories.grants import GrantFactory, PermissionFactory
from tests.factories.inventory import IdentityFactory


def _grant():
    return [GrantFactory().pk]


def _permission():
    return [PermissionFactory().pk]


ROWS = {
    "grants:grant_list": Row(EVERYBODY),
    "grants:grant_detail": Row(RECORD, _grant),
    "grants:grant_justify": Row(RECORD, _grant, overrides={"auditor": 403, "limited auditor": 403}),
    "grants:identity_grants": Row(RECORD, lambda: [IdentityFactory().pk]),
    "grants:permission_list": Row(EVERYBODY),
    "grants:permission_detail": Row(EVERYBODY, _permission),
    "grants:permission_override": Row(STEWARDS, _permission),
    "grants:justification_list": Row(EVERYBODY),
}
