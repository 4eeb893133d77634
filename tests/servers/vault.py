"""A small Vault over HTTP. It answers as OpenBao 2 does, and enforces its policies."""

import json
import re
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.vault_routes import ROUTES
from tests.servers.vault_state import Answer, FakeVault


class _Handler(BaseHTTPRequestHandler):
    vault: FakeVault
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null") if length else None
        path = self.path.split("?")[0].removeprefix("/v1/")
        after = None
        try:
            for failure in self.vault.failures:
                if failure["left"] > 0 and re.search(failure["on"], f"{self.command} {path}"):
                    failure["left"] -= 1
                    after = failure["after"]
                    time.sleep(failure["hang"])
                    raise Answer(failure["code"], failure["said"])  # noqa: TRY301
            code, said = self.vault.answer(
                self.command, path, body, self.headers.get("X-Vault-Token"), self._route
            )
        except Answer as answer:
            code, said = answer.code, answer.body
        raw = b"" if said is None else json.dumps(said).encode()
        self.send_response_only(code)
        self.send_header("Date", formatdate(self.vault.now + self.vault.skew, usegmt=True))
        self.send_header("Content-Length", str(len(raw)))
        if after is not None:
            self.send_header("Retry-After", str(after))
        if code in {301, 307}:
            self.send_header("Location", "https://other.example.com/")
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()

    def _route(self, method, path, body, caller):
        for known, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path.rstrip("/"))
            if found and method in known.split():
                said = handler(self.vault, body, caller, *found.groups())
                if said is None:
                    return 204, None
                return 200, said if "auth" in said or "lease_id" in said else {"data": said}
        raise Answer(404)

    do_GET = do_POST = do_PUT = do_DELETE = do_LIST = _any  # noqa: N815

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    """Run one on a free local port; yields it with its address."""
    vault = FakeVault()
    handler = type("Handler", (_Handler,), {"vault": vault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield vault, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
