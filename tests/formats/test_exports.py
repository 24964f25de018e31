import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from result_tools import FPS, SIZE, make_result, wandering
from sam2s.errors import ConfigError, OutputError
from sam2s.formats.davis import read_davis, write_davis
from sam2s.formats.export import write_exports
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.overlay_video import layers, write_overlay
from sam2s.masks import rle
from sam2s.masks.overlay import draw
from sam2s.tracking import Alarm, MaskQuality
from sam2s.tracking.results import ObjectState
from sam2s.video.frame import Frame
from sam2s.workspace import FrameRecord, ObjectRecord, Workspace, to_record
from workspace_tools import VIDEO

INDICES = [0, 1, 2, 4, 6]  # as the workspace has them
WRITTEN = ["davis", "coco", "ytvis", "csv", "overlay", "jsonl"]


class Pictures:
    """A source in memory."""

    name, size, fps, seekable = "clip", SIZE, FPS, True
    length, pixel_aspect = 8, Fraction(1)

    def frames(self, start=0, stop=None, step=1):
        for index in range(start, self.length if stop is None else stop, step):
            yield Frame(np.full((*SIZE, 3), 20 * index, np.uint8), index, index / FPS)


class Kept:
    """A writer in memory, apart from an empty file."""

    def __init__(self, path, size, fps):
        self.path, self.size, self.fps, self.frames, self.closed = path, size, fps, [], False

    def write(self, image, pts=None):
        self.frames.append((image, pts))

    def close(self):
        self.closed = True
        if self.path:
            self.path.touch()


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_davis(store):
    folder = write_exports(store, None, ["davis"])["davis"]
    found = dict(read_davis(folder / "clip"))
    assert list(found) == ["00000", "00001", "00002", "00004", "00006"]
    for index in INDICES:
        first, second = wandering(index, 1), wandering(index, 2)
        labels = found[f"{index:05d}"]
        assert np.array_equal(labels == 1, first)
        assert np.array_equal(labels == 2, second & ~first)
    table = rows(folder / "frames.csv")
    assert [row["pts"] for row in table[:2]] == ["0/1", "1001/30000"]
    assert table[3] == {"file": "00004.png", "frame": "4", "pts": "1001/7500", "seconds": "0.133467"}
    assert json.loads((folder / "objects.json").read_text()) == {
        "fps": "30000/1001",
        "names": {"1": "grasper", "2": "hook"},
    }


@settings(max_examples=20)
@given(arrays(np.uint8, (5, 7)))
def test_davis_keeps_every_id(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("davis")
    objects = {
        int(i): ObjectRecord(int(i), rle.encode(labels == i), 1.0, 1.0, ObjectState.VISIBLE)
        for i in np.unique(labels[labels > 0])
    }
    write_davis([FrameRecord(3, None, objects)], ExportInfo("v", (5, 7), None), folder / "out")
    assert np.array_equal(dict(read_davis(folder / "out" / "v"))["00003"], labels)


def test_an_id_too_large_for_davis_leaves_the_older_export(store, info):
    folder = write_exports(store, None, ["davis"])["davis"]
    before = sorted(path.name for path in folder.rglob("*"))
    entry = ObjectRecord(300, rle.encode(wandering(0, 1)), 1.0, 1.0, ObjectState.VISIBLE)
    with pytest.raises(OutputError, match="object id 300 does not fit into an indexed PNG"):
        write_davis([FrameRecord(0, None, {300: entry})], info, folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_coco_loads_in_pycocotools(store):
    path = write_exports(store, None, ["coco"])["coco"]
    data = COCO(str(path))
    assert data.dataset["info"]["fps"] == "30000/1001"
    assert {cat["id"]: cat["name"] for cat in data.loadCats(data.getCatIds())} == {1: "grasper", 2: "hook"}
    assert sorted(data.getImgIds()) == INDICES
    image = data.loadImgs(4)[0]
    assert (image["pts"], image["frame"], image["height"], image["width"]) == ("1001/7500", 4, *SIZE)
    for index in INDICES:
        found = {entry["track_id"]: entry for entry in data.loadAnns(data.getAnnIds(index))}
        assert set(found) == {i for i in (1, 2) if wandering(index, i).any()}
        for object_id, entry in found.items():
            mask = wandering(index, object_id)
            assert np.array_equal(data.annToMask(entry), mask)
            assert entry["area"] == mask.sum()
            assert entry["bbox"] == coco_mask.toBbox(entry["segmentation"]).tolist()


def test_youtube_vis(store):
    content = json.loads(write_exports(store, None, ["ytvis"])["ytvis"].read_text())
    (video,) = content["videos"]
    assert (video["length"], video["frames"], video["fps"]) == (5, INDICES, "30000/1001")
    assert (video["file_names"][3], video["pts"][3]) == ("clip/00004.jpg", "1001/7500")
    assert [entry["track_id"] for entry in content["annotations"]] == [1, 2]
    for entry in content["annotations"]:
        for place, index in enumerate(INDICES):
            mask = wandering(index, entry["track_id"])
            runs = entry["segmentations"][place]
            if mask.any():
                assert np.array_equal(coco_mask.decode(runs), mask)
                assert entry["areas"][place] == mask.sum()
                assert entry["bboxes"][place] == coco_mask.toBbox(runs).tolist()
            else:
                assert (runs, entry["areas"][place], entry["bboxes"][place]) == (None, None, None)
        assert entry["score"] == pytest.approx(0.9, abs=0.01)


def test_table(store):
    paths = write_exports(store, None, ["csv"])
    table = rows(paths["csv"])
    assert len(table) == 2 * len(INDICES)
    row = next(row for row in table if (row["frame"], row["object_id"]) == ("4", "2"))
    y, x = wandering(4, 2).nonzero()
    assert (row["pts"], row["seconds"], row["name"], row["state"]) == ("1001/7500", "0.133467", "hook", "visible")
    assert (row["presence"], row["iou"], int(row["area"])) == ("0.98", "0.896", x.size)
    assert [int(row[k]) for k in ("x", "y", "width", "height")] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
    assert float(row["centroid_x"]) == pytest.approx(x.mean(), abs=0.006)
    away = next(row for row in table if (row["frame"], row["object_id"]) == ("2", "2"))
    assert (away["state"], away["area"], away["x"], away["centroid_y"]) == ("absent", "0", "", "")

    total = rows(paths["csv"].with_name("summary.csv"))[1]
    assert (total["fps"], total["frames"], total["visible"], total["absent"]) == ("30000/1001", "5", "4", "1")
    assert (total["first_visible"], total["last_visible"], total["prompted"]) == ("0", "6", "1")
    # Frames 0 and 1 last one frame, frame 4 lasts two (the next record is 6), the last one lasts one.
    assert float(total["visible_seconds"]) == pytest.approx(5 / FPS, abs=1e-3)
    assert float(total["mean_iou"]) == pytest.approx(0.9 - (0 + 1 + 4 + 6) / 4000, abs=1e-5)


def test_overlay_draws_the_recorded_frames(store, info):
    made = []

    def open_writer(*arguments):
        made.append(Kept(*arguments))
        return made[0]

    write_overlay(store.frames(), info, Pictures(), store.folder / "o.mp4", open_writer)
    (video,) = made
    assert (video.size, video.fps, video.closed) == (SIZE, FPS, True)
    assert [pts for _, pts in video.frames] == [index / FPS for index in INDICES]
    for index, (image, _) in zip(INDICES, video.frames, strict=True):
        ground = np.full((*SIZE, 3), 20 * index, np.uint8)
        assert np.array_equal(image, draw(ground, layers(make_result(index), info.names)))


def test_overlay_of_a_clock_that_begins_anew(store, info):
    writer = Kept(None, None, None)

    def open_writer(path, size, fps):
        writer.path = path
        return writer

    records = [FrameRecord(i, pts) for i, pts in enumerate([Fraction(1), Fraction(2), Fraction(1), Fraction(9)])]
    write_overlay(records, info, Pictures(), store.folder / "o.mp4", open_writer)
    assert [pts for _, pts in writer.frames] == [1, 2, 2 + 1 / FPS, 9]


def test_an_overlay_that_is_stopped_leaves_the_one_before(store):
    before = write_exports(store, Pictures(), ["overlay"])["overlay"].read_bytes()

    def stop(kind, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_exports(store, Pictures(), ["overlay"], report_progress=stop)
    assert (store.folder / "overlay.mp4").read_bytes() == before
    assert not list(store.folder.glob(".partial*"))


def test_an_export_that_fails_does_not_keep_back_the_others(store):
    source = Pictures()
    source.length = 5
    (store.folder / "davis").touch()
    with pytest.raises(OutputError, match=r"davis.*; clip ends before frame 6, which has masks"):
        write_exports(store, source, ["davis", "overlay", "csv"])
    assert len(rows(store.folder / "masks.csv")) == 2 * len(INDICES)


def test_overlay_closes_the_video_when_the_source_ends_early(store, info):
    writer = Kept(None, None, None)
    source = Pictures()
    source.length = 5
    with pytest.raises(OutputError, match="clip ends before frame 6, which has masks"):
        write_overlay(store.frames(), info, source, store.folder / "o.mp4", lambda *_: writer)
    assert writer.closed
    assert len(writer.frames) == 4
    source.seekable = False
    with pytest.raises(OutputError, match="clip is a live stream and cannot be read again for an overlay"):
        write_overlay(store.frames(), info, source, store.folder / "o.mp4", lambda *_: writer)


def test_all_kinds_with_progress_and_again(store):
    import av

    told = []
    paths = write_exports(store, Pictures(), WRITTEN, report_progress=lambda *call: told.append(call))
    assert list(paths) == WRITTEN
    assert {kind: call[1:] for kind, *_ in told for call in told if call[0] == kind} == dict.fromkeys(WRITTEN, (5, 5))
    with av.open(str(paths["overlay"])) as video:
        assert [Fraction(frame.pts) * frame.time_base for frame in video.decode(video=0)] == [i / FPS for i in INDICES]
    texts = {kind: paths[kind].read_bytes() for kind in ("coco", "ytvis", "csv")}
    assert write_exports(store, Pictures(), WRITTEN) == paths
    assert texts == {kind: paths[kind].read_bytes() for kind in texts}
    assert not [path for path in store.folder.iterdir() if "partial" in path.name]


def test_folders_of_another_origin_and_names_that_are_paths(store, info):
    ours = store.folder / "davis"
    ours.mkdir()
    (ours / "precious.png").touch()
    with pytest.raises(
        OutputError, match=r"davis is there and is not an export of the run in .*; move it or give another"
    ):
        write_exports(store, None, ["davis"])
    with pytest.raises(OutputError, match=r"is there and no earlier export \(it lacks objects.json\)"):
        write_davis([], info, ours)
    assert [path.name for path in ours.iterdir()] == ["precious.png"]
    write_davis([], replace(info, source="/dev/video0"), store.folder / "other")
    assert (store.folder / "other" / "dev_video0").is_dir()


def test_pictures_of_a_folder_keep_their_names(store):
    source = Pictures()
    source.files = [f"in/img{n}.png" for n in range(8)]
    folder = write_exports(store, source, ["davis", "coco", "ytvis"])["davis"]
    assert [stem for stem, _ in read_davis(folder / "clip")] == [f"img{n}" for n in INDICES]
    for name in ("coco.json", "youtube_vis.json"):
        assert '"clip/img4.png"' in (store.folder / name).read_text()


def test_an_empty_run(tmp_path, info):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        paths = write_exports(workspace, Pictures(), WRITTEN)
    assert "overlay" not in paths
    assert json.loads(paths["coco"].read_text())["annotations"] == []
    assert json.loads(paths["ytvis"].read_text())["annotations"] == []
    assert rows(paths["csv"]) == []


def test_unknown_kind(store):
    with pytest.raises(ConfigError, match="export 'cooc' is not known; allowed are davis, coco, ytvis, csv, overlay"):
        write_exports(store, None, ["davis", "cooc"])
    with pytest.raises(OutputError, match="overlay needs the video"):
        write_exports(store, None, ["overlay"])


@pytest.mark.slow
def test_memory_stays_flat_over_many_frames(tmp_path, info):
    import tracemalloc
    from dataclasses import replace

    peaks = []
    result = make_result(0)
    for count in (200, 2000):
        with Workspace.create(tmp_path / str(count), VIDEO) as workspace:
            event = workspace.record("propagate").event_id
            tracemalloc.start()
            for index in range(count):
                workspace.write_frame(to_record(replace(result, index=index)), event)
            write_exports(workspace, None, ["coco", "csv", "jsonl"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1800 * 80  # the indices of the frames, 8 bytes each, and the rows they came in


@given(st.lists(st.integers(0, 30), unique=True, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_exports_do_not_depend_on_the_order_of_writing(tmp_path_factory, indices, random):
    texts = []
    for order in (sorted(indices), random.sample(indices, len(indices))):
        folder = tmp_path_factory.mktemp("run")
        with Workspace.create(folder, VIDEO) as workspace:
            event = workspace.record("propagate").event_id
            for index in order:
                workspace.write_frame(to_record(make_result(index)), event)
            paths = write_exports(workspace, None, ["coco", "csv"])
        texts.append([path.read_bytes() for path in paths.values()])
    assert texts[0] == texts[1]


def test_names_are_written_in_any_locale(tmp_path):
    script = f"""
from pathlib import Path
from sam2s.workspace import FrameRecord, ObjectRecord
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.table import write_table
from sam2s.masks import rle
from sam2s.tracking import Alarm, MaskQuality
from sam2s.tracking.results import ObjectState
import numpy as np
info, out = ExportInfo("clip", (2, 2), None, {{1: "hæmostat"}}), Path({str(tmp_path)!r})
entry = ObjectRecord(1, rle.encode(np.ones((2, 2), bool)), 1.0, 1.0, ObjectState.VISIBLE)
write_table([FrameRecord(0, None, {{1: entry}})], info, out / "masks.csv", out / "summary.csv")
"""
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    plain = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    subprocess.run([sys.executable, str(tmp_path / "script.py")], check=True, env=plain)
    for name in ("masks.csv", "summary.csv"):
        assert "hæmostat" in (tmp_path / name).read_text(encoding="utf-8")


def test_quality_is_in_every_form_that_has_a_place_for_it(tmp_path):
    """Object 1 of frame 0 was judged, object 2 was not."""
    with Workspace.create(tmp_path / "work", VIDEO) as workspace:
        result = make_result(0)
        quality = MaskQuality(0.875, 0.25, (Alarm.LEAK, Alarm.PROMPT))
        judged = replace(result, objects={**result.objects, 1: replace(result.objects[1], quality=quality)})
        event = workspace.record("propagate")
        workspace.write_frame(to_record(judged), event.event_id)
        paths = write_exports(workspace, None, ["csv", "jsonl", "coco", "ytvis", "davis"])
        names = ("expected_iou", "doubt", "alarms")
        table = [[row[name] for name in names] for row in rows(paths["csv"])]
        assert table == [["0.875", "0.25", "leak prompt"], ["", "", ""]]
        one, two = json.loads(paths["jsonl"].read_text().splitlines()[1])["objects"]
        assert (one["expected_iou"], one["doubt"], one["alarms"]) == (0.875, 0.25, ["leak", "prompt"])
        assert "doubt" not in two
        one, two = json.loads(paths["coco"].read_text())["annotations"]
        assert (one["expected_iou"], one["doubt"], one["alarms"]) == (0.875, 0.25, ["leak", "prompt"])
        assert (two["expected_iou"], two["alarms"]) == (None, [])
        one, two = json.loads(paths["ytvis"].read_text())["annotations"]
        assert (one["expected_ious"], one["doubts"], two["doubts"]) == ([0.875], [0.25], [None])
        table = [[row[name] for name in names] for row in rows(paths["davis"] / "quality.csv")]
        assert table == [["0.875", "0.25", "leak prompt"], ["", "", ""]]
