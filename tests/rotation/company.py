"""A company whose keys can be rotated: users in AWS, secret ids in Vault, and where they lie."""

import json
from secrets import token_hex

from botocore.exceptions import ClientError
from django.apps import apps

from apps.core.actors import Person, System
from apps.rotation.services.planning import rotation_plan
from apps.rotation.services.running import rotation_run
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)
from tests.remediation.aws import Company as Aws
from tests.servers.aws import Key

WHY = "It is due by the house's rule."
SECRET = "COUNTERSIGN_SECRET_VAULT"


class AwsCompany(Aws):
    """Keys of users, kept in Secrets Manager."""

    def __init__(self, server, monkeypatch):
        super().__init__(server, monkeypatch)
        secrets = server.client("secretsmanager")
        self.place = secrets.create_secret(Name=f"crm-{token_hex(6)}", SecretString="old")["ARN"]
        self.issuing(self.connection, place_secrets=[self.place])

    @staticmethod
    def issuing(connection, **told):
        connection.may_issue = True
        connection.told |= told
        connection.save(update_fields=["may_issue", "told"])

    def kept(self):
        """What lies there now."""
        got = self.server.client("secretsmanager").get_secret_value(SecretId=self.place)
        return json.loads(got["SecretString"])

    def key(self, **more):
        return super().key(**{"stored_in": "secret-manager", "stored_at": self.place, **more})

    def held_by(self, held):
        listed = self.server.client("iam").list_access_keys(UserName=held.user.name)
        return {one["AccessKeyId"]: one["Status"] for one in listed["AccessKeyMetadata"]}

    def accepts(self, key_id, secret):
        try:
            self.server.client("iam", Key(key_id, secret)).list_users()
        except ClientError:
            return False
        return True


class VaultCompany:
    """Secret ids of a role, kept in a KV engine of the same Vault."""

    def __init__(self, world, monkeypatch):
        monkeypatch.setenv(SECRET, world.secrets[f"env:{SECRET}"])
        self.world = world
        account = world.adapter().account
        self.system = SystemFactory(kind="vault", account=account)
        self.connection = ConnectionFactory(
            removing=True,
            kind="vault",
            accounts=[account],
            told=world.told,
            may_issue=True,
            calls_per_second=1000,
        )
        self.stored_at = f"vault:{world.place}"

    def secret_id(self, **more):
        _, accessor = self.world.secret_id()
        identity = IdentityFactory(
            system=self.system,
            name="crm",
            external_id=self.world.role,
            kind="vault-role",
        )
        return CredentialFactory(
            identity=identity,
            kind="client-secret",
            external_id=accessor,
            facts={"role": self.world.role},
            **{"stored_in": "secret-manager", "stored_at": self.stored_at, **more},
        )

    def held(self):
        return set(self.world.as_root.keys(f"{self.world.role}/secret-id"))


def owned_by(person, credential):
    BindingFactory(agent=AgentFactory(owner=person), identity=credential.identity)
    return credential


def rotate(credential, person, **more):
    return rotation_plan(credential_id=credential.pk, reason=WHY, actor=Person(person), **more)


def run(rotation):
    return rotation_run(rotation_id=rotation.pk, actor=System("test"))


def steps_of(rotation):
    return [(step.title, step.worked) for step in rotation.steps.all()]


def everything_written():
    """Every text of every row that a rotation may write, as one: to look for secrets in."""
    named = ["rotation", "remediation", "audit", "inventory", "notices", "connectors", "core"]
    models = [model for name in named for model in apps.get_app_config(name).get_models()]
    return "\n".join(str(row) for model in models for row in model.objects.values_list())
