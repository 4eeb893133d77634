"""What stands in for AWS: MiniStack, which enforces, and moto, which knows more.

Both are shared by all tests of a process, so each test makes users and roles of its own.
"""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.request import urlopen

import botocore.session
import pytest
from botocore.config import Config

from apps.connectors.adapters.aws import AwsAdapter
from tests.servers.environment import servers_python

REGION = "us-east-1"
UP_WITHIN = 30.0
RUN = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":  # not to outlive the test, however that ends
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Key:
    """An access key of a user, or what a session signs with."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AwsServer:
    """A server that answers as AWS does, and its account's own key."""

    endpoint: str
    account: str
    root: Key

    def client(self, service: str, key: Key | None = None, region: str = REGION) -> Any:
        """A client that signs with a key, with the account's own where none is given."""
        signed_with = key or self.root
        return botocore.session.Session().create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=signed_with.id,
            aws_secret_access_key=signed_with.secret,
            aws_session_token=signed_with.token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def adapter(self, key: Key | None = None, **told: Any) -> AwsAdapter:
        signed_with = key or self.root
        settings = {
            "auth": "references",
            "access_key_id": "id",
            "secret_access_key": "secret",
            "regions": [REGION],
            "endpoint": self.endpoint,
        }
        held = {"id": signed_with.id, "secret": signed_with.secret}
        return AwsAdapter(settings | told, held.__getitem__)

    def in_account(self, account: str) -> "AwsServer":
        """The same server in another account: MiniStack takes a number for that account's root."""
        return AwsServer(self.endpoint, account, Key(account, self.root.secret))

    def user(self, *statements: dict[str, Any], keys: int = 1) -> "User":
        """A new user that may do what the statements say, with keys."""
        iam, name = self.client("iam"), f"user-{token_hex(6)}"
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            iam.put_user_policy(
                UserName=name, PolicyName="given", PolicyDocument=policy(*statements)
            )
        made = [iam.create_access_key(UserName=name)["AccessKey"] for _ in range(keys)]
        held = [Key(one["AccessKeyId"], one["SecretAccessKey"]) for one in made]
        return User(name, arn, held)

    def role(self, *statements: dict[str, Any]) -> "Role":
        """A new role that anybody of the account may become."""
        iam, name = self.client("iam"), f"role-{token_hex(6)}"
        trust = allow("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
        del trust["Resource"]
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policy(trust | {"Principal": {"AWS": "*"}}),
        )
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="given", PolicyDocument=policy(*statements)
            )
        return Role(name, made["Role"]["Arn"])

    def session_of(self, role: "Role", key: Key | None = None) -> Key:
        """A new session of a role."""
        said = self.client("sts", key).assume_role(RoleArn=role.arn, RoleSessionName="test")
        return key_of(said["Credentials"])


@dataclass(frozen=True)
class User:
    name: str
    arn: str
    keys: list[Key]

    @property
    def key(self) -> Key:
        return self.keys[0]


@dataclass(frozen=True)
class Role:
    name: str
    arn: str


def key_of(said: dict[str, Any]) -> Key:
    return Key(said["AccessKeyId"], said["SecretAccessKey"], said["SessionToken"])


def as_the_log_names_it(client: Any) -> Any:
    """Have a client name its action in the address too: MiniStack's log reads it from there."""

    def named(params: Any, model: Any, **_: Any) -> None:
        params["url"] += f"?Action={model.name}"

    client.meta.events.register("before-call", named)
    return client


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="session")
def ministack(tmp_path_factory):
    with ministack_running(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@contextmanager
def ministack_running(folder):
    """MiniStack, enforcing, with a root key of its own, until the block ends."""
    root = Key("AKIAROOTOFTHETESTS00", token_hex(20))
    port = _free_port()
    environment = {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": root.id,
        "AWS_SECRET_ACCESS_KEY": root.secret,
        "BIND_HOST": "127.0.0.1",
        "CLOUDTRAIL_RECORDING": "1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "S3_DATA_DIR": str(folder / "s3"),
    }
    endpoint = f"http://127.0.0.1:{port}"
    with _running(["ministack"], environment, f"{endpoint}/_ministack/health", folder):
        yield AwsServer(endpoint, "000000000000", root)


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    port, folder = _free_port(), tmp_path_factory.mktemp("moto")
    endpoint = f"http://127.0.0.1:{port}"
    command = ["moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, {}, f"{endpoint}/moto-api/", folder):
        yield AwsServer(endpoint, "123456789012", Key("AKIAROOTOFTHETESTS00", "any"))


@contextmanager
def _running(command, environment, ready, folder):
    """Run a module of the servers' environment until the block ends."""
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(
            [servers_python(), "-c", RUN, *command],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment},
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until(ready, process, folder / "log")
            yield
        finally:
            # Asked politely they wait for connections that the tests still hold.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until(ready, process, log):
    until = time.monotonic() + UP_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(ready, timeout=1):  # noqa: S310  (an address of our own)
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"The server did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
