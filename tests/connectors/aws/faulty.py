"""A server that speaks as AWS does and goes wrong as it is told to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep

from apps.connectors.adapters.aws import AwsAdapter

IDENTITY = """<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:user/countersign</Arn><UserId>AIDA</UserId>
<Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


def failure(code, said="It went wrong."):
    return (
        "<ErrorResponse><Error><Type>Sender</Type>"
        f"<Code>{code}</Code><Message>{said}</Message></Error></ErrorResponse>"
    )


class Faulty:
    """Answers who it is, and everything else as it is told to: first what waits in `answers` for
    an action, then with `status` and `text`."""

    def __init__(self):
        self.status, self.text, self.wait = 200, "", 0.0
        self.asked, self.answers = [], {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                action = body.split("Action=")[1].split("&")[0]
                outer.asked.append(action)
                if action == "GetCallerIdentity":
                    return self.answer(200, IDENTITY)
                sleep(outer.wait)
                waiting = outer.answers.get(action)
                return self.answer(*(waiting.pop(0) if waiting else (outer.status, outer.text)))

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *told):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def adapter(self):
        told = {"auth": "references", "access_key_id": "id", "secret_access_key": "secret"}
        return AwsAdapter(
            told | {"regions": ["us-east-1"], "endpoint": self.endpoint},
            {"id": "AKIAOFTHEADAPTER0000", "secret": "the-adapters-secret"}.__getitem__,
        )
