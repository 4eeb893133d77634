"""A small Azure over TLS: Entra's sign-in, Graph, and two key vaults on one port.

The official clients talk to it: azure-identity signs in, the clients of Key Vault answer its
challenge. It trusts nobody who has not signed in.
"""

import base64
import json
import secrets
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import azure_graph, azure_keyvault
from tests.servers.azure_state import TENANT, Answer, FakeAzure


class _Handler(BaseHTTPRequestHandler):
    azure: FakeAzure
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        at = urlsplit(self.path)
        headers = {}
        try:
            with self.azure.lock:
                code, said = self._answer(at.path, parse_qs(at.query), raw)
        except Answer as answer:
            code, said, headers = answer.code, answer.body, answer.headers
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _answer(self, path, params, raw):
        azure, call = self.azure, f"{self.command} {path}"
        azure.calls.append(call)
        azure.maybe_fail(call)
        if path.endswith("/.well-known/openid-configuration"):
            return 200, self._discovery()
        if path.endswith("/oauth2/v2.0/token"):
            return 200, self._token(raw)
        if path == "/msi/token":
            return 200, self._token_of_the_host(params)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        body = json.loads(raw) if raw else None
        if path.startswith("/v1.0/"):
            if token not in azure.tokens:
                raise Answer(
                    401, {"error": {"code": "InvalidAuthenticationToken", "message": "no"}}
                )
            path = path.removeprefix("/v1.0")
            said = azure_graph.answer(
                azure, (self.command, path), params, body, set(azure.tokens[token])
            )
            return (204 if said is None else 200), said
        if token not in azure.tokens:
            challenge = (
                f'Bearer authorization="{azure.address}/{TENANT}", resource="{azure.address}"'
            )
            raise Answer(
                401, {"error": {"code": "Unauthorized"}}, **{"WWW-Authenticate": challenge}
            )
        said = azure_keyvault.answer(azure, self.headers["Host"], self.command, path, body)
        return 200, said

    def _discovery(self):
        base = f"{self.azure.address}/{TENANT}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "issuer": f"{base}/v2.0",
        }

    def _token(self, raw):
        form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        app = self.azure.sign_in(TENANT, form)
        own = app["id"] == self.azure.own
        roles = list(self.azure.roles) if own else []
        claims = {"roles": roles, "appid": app["appId"], "n": secrets.token_hex(4)}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        token = f"eyJhbGciOiJub25lIn0.{body}.signed"
        self.azure.tokens[token] = roles
        return {"token_type": "Bearer", "expires_in": 3600, "access_token": token}

    def _token_of_the_host(self, params):
        """As a host of App Service hands it to what runs there and knows its header."""
        if self.headers.get("X-IDENTITY-HEADER") != self.azure.own_secret:
            raise Answer(401, {"message": "no"})
        token = f"eyJ.of-the-host.{secrets.token_hex(4)}"
        self.azure.tokens[token] = []
        expires_on = int(datetime.now(UTC).timestamp()) + 3600
        return {
            "access_token": token,
            "expires_on": str(expires_on),
            "resource": params["resource"][0],
            "token_type": "Bearer",
        }

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _any  # noqa: N815

    def log_message(self, *_):
        pass


def certificate_in(folder):
    """A CA, and a certificate of it for this host; the paths of both."""
    key, ca_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the tests")])
    its_key = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _certificate(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(its_key, critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    own = (
        _certificate(name, ca_name, key.public_key())
        .add_extension(names, critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    ca_file, own_file = folder / "ca.pem", folder / "own.pem"
    pem = serialization.Encoding.PEM
    ca_file.write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own_file.write_bytes(own.public_bytes(pem) + private)
    return ca_file, own_file


def _certificate(name, issuer, public_key):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )


def _usage(*, signs_certificates):
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def serving(files):
    """Run one on a free local port with a certificate of `certificate_in`; yields it."""
    azure = FakeAzure()
    handler = type("Handler", (_Handler,), {"azure": azure})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    port = server.server_address[1]
    azure.address = f"https://localhost:{port}"
    azure.vaults = {f"{host}:{port}": azure_keyvault.empty() for host in ("localhost", "127.0.0.1")}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield azure
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
