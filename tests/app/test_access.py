"""Who may come in: each test fails without the defence it names."""

import json
import os
import socket
import ssl
import subprocess
import sys

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect

from app_tools import ADDRESS, new_object, only_video, open_client, until
from sam2s.app.access import COOKIE, hash_token, make_token
from sam2s.app.launch import listen
from sam2s.app.settings import AppSettings
from sam2s.errors import ConfigError

TOKEN = "a-token-of-this-test"
OTHER = "http://10.1.2.3:8123"


def serve(folder, *flags, environment=None):
    """Start `sam2s app` as a process; returns it and the lines it prints up to the last."""
    command = [sys.executable, "-m", "sam2s", "app", str(folder), "--no-browser", "--port", "0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    lines = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        line = process.stdout.readline()
        assert line, "the server ended"
        lines.append(line.strip())
    return process, lines


@pytest.fixture
def guarded(folder):
    """A client of a server that listens on other addresses than loopback."""
    return open_client(folder, host="10.1.2.3", base_url=OTHER, token_hash=hash_token(TOKEN))


@pytest.mark.slow
def test_the_server_listens_on_loopback_unless_told_otherwise(folder):
    assert AppSettings(folder=folder).host == "127.0.0.1"
    process, lines = serve(folder)
    try:
        port = int(lines[0].rsplit(":", 1)[1].strip("/"))
        assert httpx.get(f"http://127.0.0.1:{port}/api/me").status_code == 200
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in addresses - {"127.0.0.1", "127.0.1.1"}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), 1)
    finally:
        process.kill()
        process.wait()


def test_off_loopback_nothing_is_served_without_the_token(guarded):
    for path in ("/", "/api/videos", "/api/openapi.json", "/static/work.js", "/work/abc"):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
    assert guarded.get("/api/videos", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert guarded.get("/?token=nonsense").status_code == 401
    assert guarded.get("/api/videos", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        guarded.websocket_connect(f"{OTHER.replace('http', 'ws')}/api/videos/x/notices"),
    ):
        pass
    assert refused.value.code == 4401


def test_the_token_leaves_the_address_and_becomes_a_cookie_of_this_site_alone(guarded):
    answer = guarded.get(f"/work/x?token={TOKEN}&frame=7", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/work/x?frame=7"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}={TOKEN}".lower())
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert guarded.get("/api/videos").status_code == 200


def test_the_cookie_of_the_name_is_of_this_site_alone(quiet):
    cookie = quiet.put("/api/me", json={"name": "Ada"}).headers["set-cookie"].lower()
    assert "samesite=strict" in cookie


def test_only_the_hash_of_the_token_is_stored_and_it_is_shown_once(tmp_path):
    token, stored = make_token(tmp_path)
    assert hash_token(token) == stored
    text = (tmp_path / ".sam2s/token.json").read_text()
    assert token not in text
    assert json.loads(text) == {"sha256": stored}
    assert (tmp_path / ".sam2s/token.json").stat().st_mode & 0o077 == 0
    assert make_token(tmp_path) == (None, stored)
    renewed, other = make_token(tmp_path, renew=True)
    assert renewed != token
    assert other != stored


@pytest.mark.slow
def test_off_loopback_the_address_with_the_token_is_printed_once(folder):
    process, lines = serve(folder, "--host", "0.0.0.0")
    process.kill()
    process.wait()
    assert "?token=" in lines[0]
    assert any("Without --tls-cert" in line for line in lines)
    process, lines = serve(folder, "--host", "0.0.0.0")
    process.kill()
    process.wait()
    assert all("token=" not in line for line in lines)


def test_a_name_that_somebody_points_at_the_server_is_refused(quiet):
    answer = quiet.get("/api/videos", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert "--allow-host evil.example" in answer.json()["error"]["message"]
    assert quiet.get("/api/videos", headers={"Host": "localhost:8123"}).status_code == 200


def test_an_allowed_name_is_served(folder):
    client = open_client(folder, allowed_hosts=("label.example",))
    assert client.get("/api/videos", headers={"Host": "label.example:8123"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_pages_of_others_change_nothing(quiet, origin):
    video = only_video(quiet)
    answer = quiet.post(f"{video}/objects", json={}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert quiet.get(f"{video}/objects").json() == []
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        quiet.websocket_connect(f"{ADDRESS.replace('http', 'ws')}{video}/notices", headers={"Origin": origin}),
    ):
        pass
    assert refused.value.code == 4403
    assert quiet.post(f"{video}/objects", json={}, headers={"Origin": ADDRESS}).status_code == 201


def test_a_form_of_another_site_without_an_origin_changes_nothing(quiet):
    video = only_video(quiet)
    answer = quiet.post(f"{video}/objects", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_pages_may_load_nothing_from_elsewhere_and_be_framed_by_nobody(quiet):
    headers = quiet.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_page_or_script_names_another_site():
    import re

    from sam2s.app.server import static_folder

    for path in static_folder().iterdir():
        found = [url for url in re.findall(r"https?://[\w.]+", path.read_text()) if "www.w3.org" not in url]
        assert found == [], path.name


def test_links_out_of_the_folder_are_refused(folder, tmp_path, clip):
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in (1, 2):
        (outside / f"{number}.png").write_bytes(b"secret")
    (outside / "secret.mp4").write_bytes(clip.read_bytes())
    (folder / "link.mp4").symlink_to(outside / "secret.mp4")
    (folder / "linked").symlink_to(outside)
    client = open_client(folder)
    assert [card["name"] for card in client.get("/api/videos").json()] == ["clip.mp4"]
    video = only_video(client)
    (folder / "clip.mp4").unlink()
    (folder / "clip.mp4").symlink_to(outside / "secret.mp4")
    answer = client.get(f"{video}/frames/0")
    assert answer.status_code == 403
    assert "outside the served folder" in answer.json()["error"]["message"]


def test_a_folder_of_images_with_a_link_out_is_refused(folder, tmp_path):
    from PIL import Image

    pictures = folder / "pictures"
    pictures.mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "secret.png")
    Image.new("RGB", (32, 32)).save(pictures / "1.png")
    Image.new("RGB", (32, 32)).save(pictures / "2.png")
    client = open_client(folder)
    cards = {card["name"]: card["id"] for card in client.get("/api/videos").json()}
    (pictures / "3.png").symlink_to(tmp_path / "secret.png")
    assert client.get(f"/api/videos/{cards['pictures']}/frames/0").status_code == 403


@pytest.mark.parametrize("path", ["/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2fsettings.py"])
def test_static_files_end_at_their_folder(quiet, path):
    assert quiet.get(path).status_code == 404


@pytest.mark.parametrize(
    "text", ["#EXTM3U\nhttp://10.0.0.1/a.ts\n", "ffconcat version 1.0\nfile clip.mp4\n", "<?xml version='1.0'?><MPD/>"]
)
def test_lists_that_make_the_decoder_open_other_things_are_refused(folder, text):
    (folder / "list.mp4").write_text(text)
    client = open_client(folder)
    cards = {card["name"]: card for card in client.get("/api/videos").json()}
    assert "is text" in cards["list.mp4"]["error"]
    assert "is text" in client.get(f"/api/videos/{cards['list.mp4']['id']}").json()["error"]["message"]


def test_bodies_are_bounded_whether_or_not_they_say_their_length(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    much = b"x" * (5 << 20)
    assert quiet.post(f"{video}/brush", content=much).status_code == 413

    def parts():
        for _ in range(5):
            yield much[: 1 << 20]

    answer = quiet.post(f"{video}/brush", content=parts(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_users_are_named_in_every_event_and_in_the_audit(quiet):
    video = only_video(quiet)
    quiet.put("/api/me", json={"name": "Ada Ø"})
    new_object(quiet, video, name="=2+5")
    (event,) = quiet.get(f"{video}/events").json()
    assert event["author"] == "Ada Ø"
    quiet.post(f"{video}/undo")
    table = quiet.get(f"{video}/audit").text.splitlines()
    assert len(table) == 3
    assert all(",Ada Ø," in line for line in table[1:])
    assert [entry["kind"] for entry in quiet.get(f"{video}/audit?format=json").json()] == ["object", "undo"]


def test_a_cell_of_the_audit_is_no_formula(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    quiet.post(f"{video}/objects", json={}, headers={"X-User": "=cmd|' /C calc'!A0"})
    quiet.cookies.clear()
    assert ",'=cmd" in quiet.get(f"{video}/audit").text


@pytest.mark.slow
def test_https_is_served_with_a_certificate(folder, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made = subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], capture_output=True)
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    process, lines = serve(folder, "--tls-cert", str(certificate), "--tls-key", str(key))
    try:
        address = lines[0].split()[-1]
        assert address.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(certificate))
        trusted.check_hostname = False
        answer = until(lambda: httpx.put(f"{address}api/me", json={"name": "Ada"}, verify=trusted))
        assert "secure" in answer.headers["set-cookie"].lower()
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_named():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .*choose another --port"):
            listen("127.0.0.1", port)
