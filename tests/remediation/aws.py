"""A company on the small AWS: users with keys there, and their records here."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import CredentialFactory, IdentityFactory, SystemFactory
from tests.servers.aws import allow

ID, SECRET = "COUNTERSIGN_SECRET_AWS_ID", "COUNTERSIGN_SECRET_AWS_SECRET"


@dataclass
class Held:
    """A key that works: its user in AWS, and its credential here."""

    server: object
    user: object
    credential: object

    def works(self, key=None):
        """Whether a real call with the key is answered."""
        try:
            self.server.client("iam", key or self.user.key).list_users()
        except ClientError as error:
            return error.response["Error"]["Code"]
        return True

    def status(self):
        listed = self.server.client("iam").list_access_keys(UserName=self.user.name)
        found = {one["AccessKeyId"]: one["Status"] for one in listed["AccessKeyMetadata"]}
        return found.get(self.user.key.id, "absent")


class Company:
    def __init__(self, server, monkeypatch, **told):
        monkeypatch.setenv(ID, server.root.id)
        monkeypatch.setenv(SECRET, server.root.secret)
        self.server = server
        self.system = SystemFactory(kind="aws", account=server.account)
        self.connection = ConnectionFactory(
            removing=True,
            accounts=[server.account],
            calls_per_second=1000,
            told={
                "auth": "references",
                "access_key_id": f"env:{ID}",
                "secret_access_key": f"env:{SECRET}",
                "regions": ["us-east-1"],
                "endpoint": server.endpoint,
                **told,
            },
        )

    def key(self, **more):
        user = self.server.user(allow("iam:ListUsers", "iam:CreateUser", "iam:CreateAccessKey"))
        identity = IdentityFactory(
            system=self.system, name=user.name, external_id=user.arn, kind="aws-user"
        )
        credential = CredentialFactory(
            identity=identity, kind="access-key", external_id=user.key.id, **more
        )
        return Held(self.server, user, credential)
