"""Looking: exact frames, masks, the timeline, what is worth a look."""

import io

import numpy as np
import pytest
from PIL import Image

from app_tools import LENGTH, SMALL, disc, new_object, only_video, open_client, paint
from sam2s.app.frames import FrameServer, PictureCache
from sam2s.masks import rle
from sam2s.quality import ALARM_TEXTS
from sam2s.tracking import Alarm, MaskQuality, ObjectState
from sam2s.workspace import FrameRecord, ObjectRecord, Workspace
from video_tools import number_of, write_clip


def picture(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


def test_frames_are_exact_by_index_in_any_order_and_form(quiet):
    video = only_video(quiet)
    for frame in (0, 23, 11, 12, 3, 4, 22, 1):
        for kind in ("jpeg", "webp", "png"):
            assert number_of(picture(quiet, f"{video}/frames/{frame}?format={kind}")) == frame


def test_png_is_lossless_and_width_scales_without_enlarging(quiet, folder):
    import sam2s

    video = only_video(quiet)
    exact = sam2s.open_source(folder / "clip.mp4").frame(5).image
    assert np.array_equal(picture(quiet, f"{video}/frames/5?format=png"), exact)
    assert picture(quiet, f"{video}/frames/5?width=48").shape == (32, 48, 3)
    assert picture(quiet, f"{video}/frames/5?width=4000").shape == (64, 96, 3)


def test_frames_that_are_not_there_are_named(quiet):
    video = only_video(quiet)
    for path in ("frames/24", "frames/24/masks", "frames/-1"):
        answer = quiet.get(f"{video}/{path}")
        assert answer.status_code == 404
        assert "frames run from 0 to 23" in answer.json()["error"]["message"]
    assert quiet.get("/api/videos/nonsense").status_code == 404


def test_an_opened_video_says_what_it_is(quiet):
    info = quiet.get(only_video(quiet)).json()
    assert (info["width"], info["height"], info["length"], info["fps_exact"]) == (96, 64, LENGTH, "25/1")
    assert "grasper" in info["ontology"]


def test_cards_say_how_far_a_video_is_and_are_searched_and_sorted(folder):
    write_clip(folder / "another.mp4", 30, size=(64, 96))
    (folder / "broken.mp4").write_bytes(b"\x00\x01" * 500)
    client = open_client(folder)
    ids = {card["name"]: card["id"] for card in client.get("/api/videos").json()}
    video = f"/api/videos/{ids['clip.mp4']}"
    client.put("/api/me", json={"name": "Ada"})
    new_object(client, video)
    for frame in range(6):
        paint(client, video, 1, frame, disc())
    client.post(f"{video}/accept", json={"start": 0, "stop": 3})
    cards = {card["name"]: card for card in client.get("/api/videos?sort=opened").json()}
    assert next(iter(cards)) == "clip.mp4"
    assert cards["clip.mp4"]["masked"] == 0.25
    assert cards["clip.mp4"]["accepted"] == 0.5
    assert cards["clip.mp4"]["author"] == "Ada"
    assert "broken.mp4" in cards["broken.mp4"]["error"]
    assert [card["name"] for card in client.get("/api/videos?search=ANOTH").json()] == ["another.mp4"]
    assert next(iter(client.get("/api/videos?sort=length").json()))["name"] == "another.mp4"
    assert picture(client, f"{video}/thumbnail?width=80").shape[1] == 80


def test_masks_of_a_span_are_those_of_its_frames_and_bounded(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    for frame in (2, 4):
        paint(quiet, video, 1, frame, disc())
    span = quiet.get(f"{video}/masks?start=0&stop=6").json()
    assert [len(one["objects"]) for one in span] == [0, 0, 1, 0, 1, 0]
    assert span[2] == quiet.get(f"{video}/frames/2/masks").json()
    assert [one["frame"] for one in quiet.get(f"{video}/masks?start=0&stop=24&step=6").json()] == [0, 6, 12, 18]
    answer = quiet.get(f"{video}/masks?start=0&stop=24")
    assert answer.status_code == 422
    assert f"at most {SMALL.masks_per_request}" in answer.json()["error"]["message"]


@pytest.fixture
def tracked(folder):
    """A workspace as a tracker would write it, with two unsure stretches, and an object that leaves."""
    import sam2s
    from sam2s.workspace import VideoIdentity

    source = sam2s.open_source(folder / "clip.mp4")
    with Workspace.create(folder / "clip.mp4.sam2s", VideoIdentity.of(source)) as workspace:
        from sam2s.workspace import ObjectInfo

        workspace.put_object(ObjectInfo(1))
        event = workspace.record("propagate")
        for frame in range(20):
            iou = {5: 0.6, 6: 0.4, 7: 0.6, 12: 0.3}.get(frame, 0.9)
            seen = frame < 17
            mask = disc() if seen else disc(radius=-1)
            state = ObjectState.VISIBLE if seen else ObjectState.ABSENT
            entry = ObjectRecord(1, rle.encode(mask), iou, 0.95 if seen else 0.02, state)
            workspace.write_frame(FrameRecord(frame, None, {1: entry}), event.event_id)
    return open_client(folder)


def test_the_next_frame_worth_a_look_is_the_worst_of_each_stretch_and_never_an_accepted_one(tracked):
    video = only_video(tracked)

    def walk():
        frames, after = [], -1
        while (found := tracked.get(f"{video}/doubtful?after={after}").json())["frame"] is not None:
            after = found["frame"]
            frames.append((after, found["reason"]))
        return frames

    assert walk() == [(6, "unsure: 40 %"), (12, "unsure: 30 %"), (17, "it goes out of sight")]
    tracked.post(f"{video}/accept", json={"start": 4, "stop": 9})
    assert [frame for frame, _ in walk()] == [12, 17]


def test_judged_masks_are_doubted_by_their_doubt_and_their_alarms(tracked, folder):
    video = only_video(tracked)
    qualities = {
        2: MaskQuality(0.4, 0.6),
        9: MaskQuality(0.9, 0.05, (Alarm.LEAK, Alarm.SWITCH)),
        15: MaskQuality(0.8, 0.1, (Alarm.PROMPT,)),
    }
    with Workspace.open(folder / "clip.mp4.sam2s", write=True, take_over=True) as workspace:
        event = workspace.record("propagate")
        for frame in range(17):
            quality = qualities.get(frame, MaskQuality(0.95, 0.01))
            entry = ObjectRecord(1, rle.encode(disc()), 0.2, 0.9, ObjectState.VISIBLE, quality=quality)
            workspace.write_frame(FrameRecord(frame, None, {1: entry}), event.event_id)
    found, after = [], -1
    while (answer := tracked.get(f"{video}/doubtful?after={after}").json())["frame"] is not None:
        after = answer["frame"]
        found.append((after, answer["reason"]))
    assert found[0] == (2, "unsure: 40 %")
    assert found[1] == (9, f"{ALARM_TEXTS[Alarm.SWITCH]}; {ALARM_TEXTS[Alarm.LEAK]}")
    mask = tracked.get(f"{video}/frames/15/masks").json()["objects"][0]
    assert (mask["expected_iou"], mask["confidence"], mask["alarms"]) == (0.8, 0.9, ["prompt"])
    assert "use a box or a mask" in mask["advice"]
    assert tracked.get(f"{video}/frames/9/masks").json()["objects"][0]["advice"] is None


def test_the_timeline_adds_up_presence_confidence_and_acceptance(tracked):
    video = only_video(tracked)
    tracked.post(f"{video}/accept", json={"start": 0, "stop": 4})
    paint(tracked, video, 1, 22, disc())
    row = tracked.get(f"{video}/timeline?start=0&stop=32&buckets=8").json()["rows"]["1"]
    assert row["covered"] == [1, 1, 1, 1, 1, 0.25]
    assert row["present"] == [1, 1, 1, 1, 0.25, 1]
    assert row["accepted"] == [1, 0, 0, 0, 0, 0]
    assert row["confidence"] == [0.9, 0.4, 0.9, 0.3, 0.9, 1.0]
    assert row["prompted"] == [0, 0, 0, 0, 0, 1]
    assert tracked.get(f"{video}/timeline?start=0&stop=10&buckets=3").status_code == 422
    assert tracked.get(f"{video}/timeline?start=0&stop=100000&buckets=100000").status_code == 422


def test_the_timeline_tells_uncertain_searched_and_unjudged_frames_apart(tracked, folder):
    video = only_video(tracked)
    states = [ObjectState.UNCERTAIN] * 2 + [ObjectState.SEARCHING] * 3 + [ObjectState.NOT_JUDGED] * 1
    with Workspace.open(folder / "clip.mp4.sam2s", write=True, take_over=True) as workspace:
        event = workspace.record("propagate")
        for frame, state in enumerate(states):
            entry = ObjectRecord(1, rle.encode(disc()), 0.9, 0.9, state)
            workspace.write_frame(FrameRecord(frame, None, {1: entry}), event.event_id)
    row = tracked.get(f"{video}/timeline?start=0&stop=8&buckets=2").json()["rows"]["1"]
    assert row["uncertain"] == [0.5, 0]
    assert row["searching"] == [0.5, 0.25]
    assert row["not_judged"] == [0, 0.25]
    assert row["present"] == [0, 0.5]
    found = tracked.get(f"{video}/doubtful?after=-1").json()
    assert (found["frame"], found["reason"]) == (0, "uncertain: unlike what it has looked like")


def test_the_cache_of_pictures_keeps_its_bound(folder):
    cache = PictureCache(20_000)
    server = FrameServer(folder / "clip.mp4", folder / "clip.mp4.sam2s", SMALL, cache)
    for frame in range(LENGTH):
        server.picture(frame)
        assert len(cache) <= 20_000
    assert cache.get(("no", "such", "key")) is None
    server.close()


def test_decoders_are_bounded_and_released(folder):
    server = FrameServer(folder / "clip.mp4", folder / "clip.mp4.sam2s", SMALL, PictureCache(1))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(12) as pool:
        frames = list(pool.map(lambda index: number_of(server.frame(index).image), [*range(LENGTH)] * 3))
    assert frames == [*range(LENGTH)] * 3
    assert server.decoders <= 3
    server.close()
    server.close()


def test_neighbours_that_are_asked_for_at_once_share_a_decoder(folder):
    from concurrent.futures import ThreadPoolExecutor

    server = FrameServer(folder / "clip.mp4", folder / "clip.mp4.sam2s", SMALL, PictureCache(1))
    server.frame(15)
    with ThreadPoolExecutor(4) as pool:
        assert [number_of(frame.image) for frame in pool.map(server.frame, [16, 14, 17, 18])] == [16, 14, 17, 18]
    assert server.decoders == 1
    server.close()


def test_frames_too_large_to_be_shown_are_refused(folder):
    from dataclasses import replace

    client = open_client(folder, limits=replace(SMALL, frame_pixels=1000))
    card = client.get("/api/videos").json()[0]
    answer = client.get(f"/api/videos/{card['id']}")
    assert answer.status_code == 413
    assert "at most 1000 are shown" in answer.json()["error"]["message"]


def test_the_given_frames_of_an_object_are_gone_through_and_accepted_spans_by_their_ends(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    for frame in (2, 5, 6, 7, 8, 12):
        paint(quiet, video, 1, frame, disc())
    quiet.post(f"{video}/accept", json={"start": 5, "stop": 9})

    def walk(frame, backward):
        found = []
        while frame is not None:
            query = f"object_id=1&frame={frame}&backward={backward}"
            frame = quiet.get(f"{video}/given?{query}").json()["frame"]
            found.append(frame)
        return found

    assert walk(0, False) == [2, 5, 8, 12, None]
    assert walk(12, True) == [8, 5, 2, None]
    assert quiet.get(f"{video}/given?object_id=9&frame=0").status_code == 404
