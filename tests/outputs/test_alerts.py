"""Alerts, sent to servers on this machine."""

import json
import socketserver
import threading

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.alerts import tell

FACTS = {"kind": "run_failed", "job": "hourly"}


def send(home: Home, settings: Settings) -> str | None:
    lines = ["it broke, here, mend it", "Run 1."]
    return tell(home, settings, "the run hourly failed", lines, FACTS, pauses=())


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_a_web_address_gets_a_text_and_the_facts(home, httpserver):
    (home.root / "credentials.toml").write_text('[alert]\ntoken = "t0ken"\n')
    (home.root / "credentials.toml").chmod(0o600)
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    assert send(home, parse_settings({"notify_failures": httpserver.url_for("/hook")})) is None
    ((request, _),) = httpserver.log
    text = "Comeback: the run hourly failed\nit broke, here, mend it\nRun 1."
    assert json.loads(request.get_data()) == {"text": text, **FACTS}
    assert request.headers["Authorization"] == "Bearer t0ken"


def test_an_alert_that_does_not_arrive_says_why_and_raises_nothing(home, httpserver):
    httpserver.expect_request("/hook").respond_with_data("", status=403)
    address = httpserver.url_for("/hook")
    assert send(home, parse_settings({"notify_failures": address})) == "it answered 403"


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        said = []
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            said.append(line)
            if line.upper() == "QUIT":
                break
            if line.upper() == "DATA":
                self.wfile.write(b"354 go\r\n")
                text = []
                while (part := self.rfile.readline()) != b".\r\n":
                    text.append(part.decode().rstrip("\r\n"))
                self.server.messages.append((said, text))
            self.wfile.write(b"250 ok\r\n")
        self.wfile.write(b"221 bye\r\n")


def test_mail_goes_through_the_server_of_the_shop(home):
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        server.messages = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        settings = {
            "notify_failures": "mailto:ops@shop.example",
            "mail_server": f"127.0.0.1:{port}",
        }
        assert send(home, parse_settings(settings)) is None
        server.shutdown()
    ((said, text),) = server.messages
    assert "RCPT TO:<OPS@SHOP.EXAMPLE>" in [each.upper() for each in said]
    assert "Subject: Comeback: the run hourly failed" in text
    assert text[-2:] == ["it broke, here, mend it", "Run 1."]


def test_a_mail_server_that_is_not_there_is_said(home):
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        port = server.server_address[1]
    settings = {"notify_failures": "mailto:ops@shop.example", "mail_server": f"127.0.0.1:{port}"}
    reason = "it cannot be reached, or broke the connection"
    assert send(home, parse_settings(settings)) == reason
