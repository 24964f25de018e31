"""Streams over real sockets: dropping, waiting, reconnecting, giving up."""

import contextlib
import io
import itertools
import socket
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sam2s.errors import ConfigError, SourceError, TruncatedSourceError
from sam2s.video import LiveSource, VideoSource, open_source, prefetch
from video_tools import Server, number_of, stream_of, write_clip


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr("sam2s.video.live._BACKOFF_SECONDS", (0.05, 0.1))


def collect(frames, into, seconds=0.0):
    for frame in frames:
        into.append((number_of(frame.image), frame.index, frame.pts))
        time.sleep(seconds)


def test_block_loses_nothing_even_for_a_slow_consumer():
    with (
        Server(stream_of(0, 150)) as server,
        open_source(server.url, policy="block", reconnects=1, timeout=3) as source,
    ):
        assert isinstance(source, LiveSource)
        assert isinstance(source, VideoSource)
        assert (source.size, source.fps, source.length, source.seekable) == ((64, 96), 25, None, False)
        got = []
        with pytest.raises(TruncatedSourceError, match="broke off after 150 frames and could not be opened again in 1"):
            collect(source.frames(), got, seconds=0.002)
        assert [entry[:2] for entry in got] == [(i, i) for i in range(150)]
        assert source.dropped == 0


def test_latest_drops_what_the_consumer_is_too_slow_for_and_counts_it():
    with Server(stream_of(0, 150), pause=0.02) as server, LiveSource(server.url, reconnects=1, timeout=3) as source:
        got = []
        with pytest.raises(TruncatedSourceError):
            collect(source.frames(), got, seconds=0.05)
        assert all(number == index for number, index, _ in got)
        assert got[-1][1] == 149  # the newest is never lost
        assert source.dropped == 150 - len(got) > 10


@pytest.mark.parametrize("policy", ["block", "latest"])
def test_a_broken_stream_is_opened_again_and_its_clock_goes_on(policy):
    with Server(stream_of(0, 50), stream_of(50, 50), pause=0.005) as server:
        source = LiveSource(server.url, policy=policy, reconnects=2, timeout=3)
        got = []
        with source, pytest.raises(TruncatedSourceError, match="broke off after 100 frames"):
            collect(source.frames(), got)
        assert source.reconnected == 1
        assert all(number == index for number, index, _ in got)
        assert all(a[2] < b[2] for a, b in itertools.pairwise(got))
        assert len(got) + source.dropped == 100
        if policy == "block":
            assert [index for _, index, _ in got] == list(range(100))
            assert got[50][2] - got[49][2] == got[1][2] - got[0][2]


@pytest.mark.parametrize("policy", ["block", "latest"])
def test_a_consumer_may_stop_early(policy):
    with Server(stream_of(0, 150), pause=0.005) as server:
        with LiveSource(server.url, policy=policy, timeout=3) as source:
            for frame in prefetch(source.frames(), 2):
                if frame.index >= 20:
                    break
        assert not any(t.name in ("sam2s-live", "sam2s-prefetch") for t in threading.enumerate())


@pytest.mark.parametrize("policy", ["block", "latest"])
def test_closing_ends_the_wait_for_a_silent_stream(policy):
    with Server(stream_of(0, 30), stall=True) as server:
        source, got = LiveSource(server.url, policy=policy, timeout=60), []
        consumer = threading.Thread(target=collect, args=(source.frames(), got))
        consumer.start()
        while not got or got[-1][1] < 20:
            time.sleep(0.01)
        source.close()
        consumer.join(20)  # less than the timeout
        assert not consumer.is_alive()
        assert [number for number, _, _ in got] == [index for _, index, _ in got]


def test_an_open_that_waits_can_be_interrupted(monkeypatch):
    def interrupt(source, condition):
        raise KeyboardInterrupt  # as the handler of a signal does, in the thread that waits

    monkeypatch.setattr(LiveSource, "_wait_while", interrupt)
    with Server(b"", stall=True) as server, pytest.raises(KeyboardInterrupt):
        LiveSource(server.url, timeout=60)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_the_size_is_that_of_upright_pictures_from_the_start(container):
    data = io.BytesIO()
    muxing = {"movflags": "frag_keyframe+empty_moov"} if container == "mp4" else {}
    write_clip(data, 30, container=container, rotation=90, muxing=muxing)
    with Server(data.getvalue()) as server, LiveSource(server.url, policy="block", timeout=3) as source:
        assert source.size == (96, 64)
        assert next(source.frames()).image.shape == (96, 64, 3)


def test_streams_without_a_picture():
    data = io.BytesIO()
    write_clip(data, 30, container="mp4", muxing={"movflags": "frag_keyframe+empty_moov"})
    header = data.getvalue().partition(b"moof")[0][:-4]  # says that there is video, and ends
    with Server(header) as server, pytest.raises(SourceError, match="answers, but sends no picture; check that it is"):
        LiveSource(server.url, timeout=3)
    with Server(b"") as server, pytest.raises(SourceError, match=r"cannot be opened \(nothing came for 0.5 s\)"):
        LiveSource(server.url, timeout=0.5)


def test_start_stop_and_step_count_the_frames_that_arrive():
    with Server(stream_of(0, 60)) as server, LiveSource(server.url, policy="block", timeout=3) as source:
        assert [number_of(f.image) for f in source.frames(10, 40, 7)] == [10, 17, 24, 31, 38]
        with pytest.raises(SourceError, match="a live stream can be read once"):
            next(source.frames())
        with pytest.raises(SourceError, match="has no frame 3 to go back to; record it to a file"):
            source.frame(3)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ConfigError, match="policy 'newest'; allowed are 'latest' and 'block'"):
        LiveSource("http://127.0.0.1:9/", policy="newest")


@pytest.mark.parametrize(
    ("target", "name", "address"),
    [
        ("{http}://me:secret@{host}/live.ts?token=secret", "{host-}-live.ts", "{http}://{host}/live.ts"),
        ("{http}://{host}/a/@b/../c d.ts", "{host-}-a-b-..-c-d.ts", "{http}://{host}/a/@b/../c d.ts"),
    ],
)
def test_names_are_fit_for_files_and_hold_no_secrets(target, name, address):
    with Server(stream_of(0, 30)) as server:
        host = server.url.split("/")[2]
        texts = {"http": "http", "host": host, "host-": host.replace(":", "-")}
        with LiveSource(target.format(**texts), timeout=3) as source:
            assert source.name == name.format(**texts)
            assert source.address == address.format(**texts)
            assert next(source.frames()).index == 0


def test_errors_do_not_show_the_password():
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/live: cannot be opened") as caught:
        LiveSource("http://me:secret@127.0.0.1:9/live?token=secret", timeout=3)
    assert "secret" not in "".join(traceback.format_exception(caught.value.with_traceback(None)))


def test_a_server_that_sends_no_video():
    with Server(b"hello, nothing to see here\n" * 400) as server, pytest.raises(SourceError, match="cannot be opened"):
        LiveSource(server.url, timeout=3)


def test_udp_packets_are_received():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, stop = stream_of(0, 500), threading.Event()

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for i in range(0, len(data), 1316):
                if stop.wait(0.004):
                    return
                sender.sendto(data[i : i + 1316], ("127.0.0.1", port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with LiveSource(f"udp://127.0.0.1:{port}", policy="latest", timeout=5) as source:
            seen = [number_of(frame.image) for frame, _ in zip(source.frames(), range(5), strict=False)]
        assert seen == sorted(set(seen))
    finally:
        stop.set()
        thread.join()


class TestRecordingsOfAWebServer:
    def serve(self, data, length):
        """One answer with a length, of which maybe less is sent, again and again."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(data)

            def log_message(self, *_):
                pass

        asked = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, asked, f"http://127.0.0.1:{server.server_address[1]}/a.ts"

    @pytest.mark.parametrize("policy", ["block", "latest"])
    def test_a_transport_stream_is_read_once(self, policy):
        data = stream_of(0, 20)
        server, asked, url = self.serve(data, len(data))
        with server, LiveSource(url, policy=policy, reconnects=1) as source:
            numbers = [number_of(frame.image) for frame in source.frames()]
        assert numbers[-1] == 19
        assert policy == "latest" or numbers == list(range(20))
        assert source.reconnected == 0
        assert len(asked) == 1

    def test_one_that_breaks_off_is_told(self):
        data = stream_of(0, 20)
        server, _, url = self.serve(data[: len(data) * 2 // 3], len(data))
        with server, LiveSource(url, policy="block", reconnects=1) as source:
            numbers = []
            with pytest.raises(TruncatedSourceError, match=r"a recording, of which 1\d frames came before the"):
                numbers.extend(number_of(frame.image) for frame in source.frames())
        assert numbers == list(range(len(numbers)))
