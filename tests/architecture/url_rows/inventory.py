from tests.architecture.url_matrix import EVERYBODY, RECORD, STEWARDS, Row
from tests.factories.inventory import (
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)


def _system():
    return [SystemFactory().pk]


def _identity():
    return [IdentityFactory().pk]


def _credential():
    return [CredentialFactory().pk]


ROWS = {
    "inventory:agent_list": Row(EVERYBODY),
    "inventory:system_list": Row(EVERYBODY),
    "inventory:system_new": Row(STEWARDS),
    "inventory:system_detail": Row(RECORD, _system),
    "inventory:system_edit": Row(RECORD, _system, overrides={"auditor": 403}),
    "inventory:identity_list": Row(EVERYBODY),
    "inventory:identity_detail": Row(RECORD, _identity),
    "inventory:binding_new": Row(STEWARDS, _identity),
    "inventory:identity_accountable": Row(STEWARDS, _identity),
    "inventory:binding_list": Row(EVERYBODY),
    "inventory:binding_end": Row(STEWARDS, lambda: [BindingFactory().pk]),
    "inventory:credential_list": Row(EVERYBODY),
    "inventory:credential_detail": Row(RECORD, _credential),
    "inventory:credential_edit": Row(RECORD, _credential, overrides={"auditor": 403}),
}
