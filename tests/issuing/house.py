"""A company whose agent has credentials issued by the small Vault, through the API."""

from dataclasses import dataclass

from django.db import connection as database

from apps.core.actors import Person
from apps.inventory.services import client_create
from apps.inventory.states import CLIENT_SCOPES
from apps.issuing.models import Issuance
from apps.issuing.tasks import run_reconcile
from tests.api.conftest import Caller
from tests.connectors.vault.world import World
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    IdentityFactory,
    SystemFactory,
)

REFERENCE = "COUNTERSIGN_SECRET_VAULT"
CRM = [f"{name} apps/crm/*" for name in ("read", "list", "create", "update")]
REPORTS = ["read apps/reports/*", "delete apps/reports/*"]
ROOM = "apps/crm/customers"


@dataclass
class House:
    world: World
    steward: object
    agent: object
    identity: object
    connection: object
    binding: object
    crm: object
    pki: object
    caller: Caller

    def ask(self, key="first", **body):
        return self.caller.post(
            "credentials", body={"identity_id": self.identity.pk, **body}, key=key
        )

    def ask_token(self, key="first", **more):
        """A token cut to what it may do in the CRM."""
        wanted = {"path": self.world.token_path, **more.pop("wanted", {})}
        return self.ask(key, **{"grant_ids": [self.crm.pk], "wanted": wanted, **more})

    def ask_lease(self, key="lease", **more):
        """A certificate with a lease: a stand-in for any dynamic secret."""
        wanted = {
            "path": f"{self.world.name('pki')}/issue/web",
            "parameters": {"common_name": "crm.example.com", "ttl": "300s"},
        }
        return self.ask(key, **{"wanted": wanted, **more})

    def works(self, answer):
        """Whether a real call with the token that was handed over is answered."""
        return self.world.works(answer.json()["secret"]["token"], ROOM)

    def leases(self):
        prefix = f"{self.world.name('pki')}/issue/web"
        return {f"{prefix}/{key}" for key in self.world.as_root.keys(f"sys/leases/lookup/{prefix}")}

    def as_steward(self, reason="It is over."):
        return {"reason": reason, "actor": Person(self.steward)}


def build_house(world, monkeypatch):
    monkeypatch.setenv(REFERENCE, world.secrets[f"env:{REFERENCE}"])
    account = world.adapter().accounts()[0]
    system = SystemFactory(kind="vault", account=account, name="Vault")
    agent = AgentFactory(active=True, name="CRM agent")
    identity = IdentityFactory(system=system, name="crm", kind="vault-role", external_id=world.role)
    connection = ConnectionFactory(
        kind="vault", accounts=[account], told=world.told, may_issue=True
    )
    crm = GrantFactory(identity=identity, service="apps", level="write")
    for actions in (CRM, REPORTS):
        GrantStatementFactory(grant=crm, actions=actions, policy=world.name("crm"))
    path = f"{world.name('pki')}/issue/web"
    world.policy("web", f'path "{path}" {{ capabilities = ["update"] }}\n')
    pki = GrantFactory(identity=identity, service=world.name("pki"), level="write")
    GrantStatementFactory(grant=pki, actions=[f"update {path}"], policy=world.name("web"))
    steward = UserFactory(steward=True)
    return House(
        world=world,
        steward=steward,
        agent=agent,
        identity=identity,
        connection=connection,
        binding=BindingFactory(agent=agent, identity=identity),
        crm=crm,
        pki=pki,
        caller=signed_in(agent, steward),
    )


def signed_in(agent, steward, scopes=CLIENT_SCOPES):
    made = client_create(
        agent_id=agent.pk, scopes=scopes, reason="It works.", actor=Person(steward)
    )
    caller = Caller(made.client, made.secret)
    assert caller.sign_in().status_code == 200
    return caller


def reconcile():
    """As the schedule does, and what that leads to."""
    run_reconcile()


def the_one():
    return Issuance.objects.get()


def broken_database(table):
    """From now on nothing can be noted in a table."""
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION out_of_order() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'out of order'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER out_of_order BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION out_of_order()"
        )


def mended_database():
    with database.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS out_of_order CASCADE")
