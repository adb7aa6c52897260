"""Real servers on the loopback: SFTP, S3 and a web address, and their failures."""

import shutil
from datetime import datetime
from itertools import count

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.outputs.delivery import deliver, undelivered
from orchestration.outputs.delivery.credentials import options_of, read_file, shared_options
from tests.outputs.delivery.conftest import ELEVEN, PARTS, TEN, TWELVE, require_whole, tree

SECRET = "pass word"


def bring(shop, settings, hour=TEN, pauses=(0,) * 8, **options):
    at = datetime.fromisoformat(f"{hour[:-1]}:00")
    return deliver(shop.connection, shop.home, settings, at, pauses=pauses, **options)


def write_credentials(shop, text: str, mode: int = 0o600) -> None:
    path = shop.home.root / "credentials.toml"
    path.write_text(text)
    path.chmod(mode)


def of_sftp(sftp, tmp_path) -> str:
    known = sftp.known_hosts(tmp_path / "known_hosts")
    return f'[email]\npassword = "{SECRET}"\nknown_hosts = "{known}"\n'


def test_an_sftp_server_gets_an_hour_whole_and_half_of_its_failures_are_got_over(
    shop, sftp, tmp_path, caplog
):
    write_credentials(shop, of_sftp(sftp, tmp_path))
    settings = shop.settings(email=sftp.address)
    numbers = count()
    sftp.fails = lambda operation: operation == "write" and next(numbers) % 2 == 0
    shop.export(TEN)
    (outcome,) = bring(shop, settings)
    assert (outcome.hours, outcome.reason) == ([TEN], None)
    files = tree(sftp.root / "in")
    assert set(files) == {
        "latest.json",
        f"{TEN}/manifest.json",
        *(f"{TEN}/email.{part}.csv" for part in PARTS),
    }
    require_whole(files, TEN)
    assert next(numbers) >= 10
    # other rows of the same hour, then the next one
    sftp.fails = lambda _: False
    shop.export(TEN, mark="-again")
    assert bring(shop, settings)[0].hours == [TEN]
    require_whole(tree(sftp.root / "in"), TEN)
    sftp.fails = lambda operation: operation == "open"
    shop.export(ELEVEN)
    (outcome,) = bring(shop, settings, ELEVEN, pauses=(0,))
    assert outcome.reason == "it reported a failure"
    sftp.fails = lambda _: False
    (outcome,) = bring(shop, settings, ELEVEN)
    assert outcome.hours == [ELEVEN]
    require_whole(tree(sftp.root / "in"), ELEVEN)
    said = caplog.text + shop.home.delivery_record.read_text() + str(shop.audited())
    assert SECRET not in said


def test_a_host_that_is_not_known_is_refused_before_it_gets_the_password(shop, sftp, tmp_path):
    shop.export(TEN)
    settings = shop.settings(email=sftp.address)
    empty = tmp_path / "empty"
    empty.write_text("")
    write_credentials(shop, f'[email]\npassword = "{SECRET}"\nknown_hosts = "{empty}"\n')
    (outcome,) = bring(shop, settings)
    assert outcome.reason == "its SSH host key is not that of a known host"
    write_credentials(shop, f'[email]\npassword = "{SECRET}"\nknown_hosts = "{tmp_path}/none"\n')
    (outcome,) = bring(shop, settings)
    assert outcome.reason.startswith("no SSH host key is known, so no server can be trusted")
    write_credentials(shop, of_sftp(sftp, tmp_path).replace(SECRET, "wrong"))
    (outcome,) = bring(shop, settings)
    assert outcome.reason == "it does not let us in with these credentials"
    assert tree(sftp.root) == {}


@pytest.fixture(scope="module")
def s3():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def of_s3(endpoint: str) -> str:
    return f'[email]\nkey = "AKIDEXAMPLE"\nsecret = "{SECRET}"\nendpoint_url = "{endpoint}"\n'


def test_a_bucket_gets_an_hour_and_one_that_is_not_there_is_not_made(shop, s3, monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = {"key": "AKIDEXAMPLE", "secret": SECRET, "endpoint_url": s3}
    bucket = s3fs.S3FileSystem(**options, skip_instance_cache=True, use_listings_cache=False)
    bucket.mkdir("shop")
    write_credentials(shop, of_s3(s3))
    shop.export(TEN)
    settings = shop.settings(email="s3://shop/in")
    assert bring(shop, settings)[0].hours == [TEN]
    shop.export(TEN, mark="-again")
    assert bring(shop, settings)[0].hours == [TEN]
    assert bring(shop, settings)[0].hours == []
    files = {
        path.removeprefix("shop/in/"): bucket.cat_file(path).decode()
        for path in bucket.find("shop/in")
    }
    require_whole(files, TEN)
    assert "-again" in files[f"{TEN}/email.full.csv"]
    (outcome,) = bring(shop, shop.settings(email="s3://nobodys/in"), pauses=())
    assert outcome.reason == "there is no such folder or bucket"
    assert bucket.ls("") == ["shop"]
    assert SECRET not in shop.home.delivery_record.read_text()


def test_a_server_that_is_gone_stops_neither_the_others_nor_the_hour(shop, tmp_path):
    shop.export(TEN)
    write_credentials(shop, of_s3("http://127.0.0.1:9"))
    settings = shop.settings(email="s3://shop/in", google=str(tmp_path / "out"))
    gone, folder = bring(shop, settings, pauses=())
    assert gone.reason is not None
    assert folder.hours == [TEN]
    assert len(undelivered(shop.home)) == 1
    assert SECRET not in undelivered(shop.home)[0]


def test_a_web_address_gets_the_manifest_of_each_hour_once_after_failures_too(shop, httpserver):
    answers = iter([500, 503, 200, 200])
    got = []

    def answer(request):
        from werkzeug import Response

        got.append((request.get_data(), dict(request.headers)))
        return Response(status=next(answers))

    httpserver.expect_request("/hooks/secret-path", method="POST").respond_with_handler(answer)
    url = httpserver.url_for("/hooks/secret-path")
    settings = shop.settings(notify=url)
    write_credentials(shop, '[notify]\ntoken = "t0ken"\n')
    shop.export(TEN)
    (outcome,) = bring(shop, settings)
    assert (outcome.hours, outcome.reason) == ([TEN], None)
    assert len(got) == 3
    body, headers = got[-1]
    assert body == (shop.home.exports / TEN / "manifest.json").read_bytes()
    assert b"@" not in body
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["X-Comeback-Hour"] == TEN
    assert len(headers["Idempotency-Key"]) == 64
    assert bring(shop, settings)[0].hours == []
    assert len(got) == 3
    assert "secret-path" not in shop.home.delivery_record.read_text() + str(outcome)


def test_a_web_address_hears_of_hours_that_arrived_and_once_of_those_that_never_will(
    shop, httpserver, tmp_path
):
    heard = []

    def answer(request):
        from werkzeug import Response

        headers = request.headers
        heard.append((headers["X-Comeback-Hour"], headers.get("X-Comeback-Lost-Hours")))
        return Response(status=200)

    httpserver.expect_request("/hook", method="POST").respond_with_handler(answer)
    out = tmp_path / "out"
    out.write_text("")
    settings = shop.settings(notify=httpserver.url_for("/hook"), email=str(out))
    for hour in (TEN, ELEVEN):
        shop.export(hour)
        _, waiting = bring(shop, settings, hour, pauses=())
        assert "has not arrived everywhere yet" in waiting.reason
        if hour == TEN:
            shutil.rmtree(shop.home.exports / TEN)
    assert heard == []
    out.unlink()
    arrived, notified = bring(shop, settings, ELEVEN)
    assert (arrived.hours, notified.hours) == ([ELEVEN], [ELEVEN])
    shop.export(TWELVE)
    bring(shop, settings, TWELVE)
    assert heard == [(ELEVEN, TEN), (TWELVE, None)]


def test_a_web_address_that_refuses_or_sends_elsewhere_is_not_asked_again(shop, httpserver):
    for path, status in (("/no", 403), ("/moved", 302)):
        httpserver.expect_request(path).respond_with_data(
            "", status=status, headers={"Location": httpserver.url_for("/other")}
        )
    shop.export(TEN)
    for path, status in (("/no", 403), ("/moved", 302)):
        httpserver.clear_log()
        (outcome,) = bring(shop, shop.settings(notify=httpserver.url_for(path)))
        assert outcome.reason == f"it answered {status}"
        assert len(httpserver.log) == 1
    assert f"the first {TEN} (it answered 302)" in undelivered(shop.home)[0]


def test_credentials_come_from_the_environment_before_the_file_and_the_longest_name_counts():
    file = {"email": {"password": "file", "known_hosts": "hosts"}}
    variables = {
        "COMEBACK_DELIVERY_EMAIL_PASSWORD": "variable",
        "COMEBACK_DELIVERY_EMAIL_CRM_PASSWORD": "another's",
        "COMEBACK_DELIVERY_EMAIL_KEY": "",
    }
    exports = ["email", "email-crm"]
    assert options_of("email", file, exports, variables) == {
        "password": "variable",
        "known_hosts": "hosts",
    }
    assert options_of("email-crm", file, exports, variables) == {"password": "another's"}
    assert options_of("google", file, exports, variables) == {}


def test_exports_with_one_address_have_the_same_credentials_or_one_has_them():
    own = {"password": SECRET}
    assert shared_options({"email": {}, "text": {}}) == {}
    assert shared_options({"email": {}, "text": own}) == own
    assert shared_options({"email": own, "text": {}, "app": dict(own)}) == own
    with pytest.raises(ComebackError, match="email, app") as refused:
        shared_options({"email": own, "text": {}, "app": {"password": "another"}})
    assert SECRET not in str(refused.value)


def test_a_file_of_credentials_that_others_can_read_or_that_is_none_is_refused(shop):
    assert read_file(shop.home.root) == {}
    write_credentials(shop, f'[email]\npassword = "{SECRET}"\n', 0o640)
    with pytest.raises(ComebackError, match=r"others can read the credentials \(mode 0640\)"):
        read_file(shop.home.root)
    for text in (f"password = {SECRET}", f'password = "{SECRET}"', f'[email]\na = ["{SECRET}"]'):
        write_credentials(shop, text)
        with pytest.raises(ComebackError, match="no TOML of tables with texts") as failure:
            read_file(shop.home.root)
        assert SECRET not in str(failure.value)


def test_the_clients_are_not_imported_for_nothing():
    code = (
        "import sys, orchestration.outputs.delivery as d;"
        "sys.exit(any(n in sys.modules for n in ('s3fs', 'sshfs', 'asyncssh', 'aiobotocore')))"
    )
    import subprocess
    import sys

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
