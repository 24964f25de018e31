"""The whole story in a real browser with the bundled weights, on a drawn clip, or on that of SAM2S_STORY_CLIP.

`SAM2S_SCREENSHOTS=docs/images pytest -m slow tests/app/test_story.py` makes the pictures of the documentation.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from app_browser import Page, running
from app_tools import until
from sam2s.app.drawn_clip import SIZE, drawn_scene
from sam2s.masks import rle
from sam2s.workspace import Workspace

pytestmark = pytest.mark.slow
SHOTS = os.environ.get("SAM2S_SCREENSHOTS")
CLIP = os.environ.get("SAM2S_STORY_CLIP")
PROMPTS = os.environ.get("SAM2S_STORY_PROMPTS")
SPAN = 40


def drawn_boxes():
    """Boxes (x0, y0, x1, y1) of the two largest instruments on the first frame of the drawn clip."""
    scene = drawn_scene(15, 120)
    _, labels = scene.render(0)
    tools = [item for item in scene.objects if item.type == "instrument" and (labels == item.id).any()]
    tools.sort(key=lambda item: -(labels == item.id).sum())
    boxes = []
    for item in tools[:2]:
        y, x = np.nonzero(labels == item.id)
        boxes.append((int(x.min()), int(y.min()), int(x.max() + 1), int(y.max() + 1)))
    return boxes


def given_boxes():
    return [tuple(item["box"]) for item in json.loads(Path(PROMPTS).read_text())["objects"]]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("operations")
    if CLIP:
        shutil.copy(CLIP, folder / Path(CLIP).name)
    with running(folder) as server:
        yield folder, server


def workspace_of(folder):
    (path,) = [path for path in folder.glob("*.mp4.sam2s") if path.name != "elsewhere.mp4.sam2s"]
    return Workspace.open(path)


def open_clip(page):
    page.open("/")
    page.shot(SHOTS, "app-empty")
    if CLIP:
        page.page.click(".card a")
    else:
        page.page.click("#draw")
        page.page.wait_for_url("**/work/*", timeout=120_000)
    page.page.wait_for_selector("body[data-ready]")
    page.wait("desk.picture !== null")


def name_object(page, name):
    page.press("F2")
    page.page.fill("dialog input[required]", name)
    page.shot(SHOTS if name == "grasper" else None, "app-name")
    page.page.click("dialog button.primary")
    page.page.wait_for_selector("dialog", state="detached")
    page.wait(f"desk.object(desk.selected).name === '{name}'")


def point_at_two_instruments(page, boxes):
    (x0, y0, x1, y1), second = boxes
    page.press("b")
    page.drag([(x0, y0), (x1, y1)])
    page.wait("desk.shownMasks.length === 1")
    name_object(page, "grasper")
    page.press("n")
    page.page.fill("dialog input[required]", "hook")
    page.page.click("dialog button.primary")
    page.page.wait_for_selector("dialog", state="detached")
    page.drag([second[:2], second[2:]])
    page.wait("desk.shownMasks.length === 2")
    mask = rle.decode(page.state("desk.maskOf(2).rle"))
    y, x = np.nonzero(mask)
    page.press("c")
    page.click(float(x[len(x) // 2]) + 0.5, float(y[len(y) // 2]) + 0.5)
    assert page.state("desk.prompts.filter((prompt) => prompt.object_id === 2).length") == 2
    page.shot(SHOTS, "app-click")


def paint_and_erase(page):
    before = page.state("desk.maskOf(2).area")
    page.press("r")
    page.drag([(SIZE * 0.5, SIZE * 0.9), (SIZE * 0.6, SIZE * 0.9)])
    page.wait("desk.maskOf(2).layer === 'brushed'")
    grown = page.state("desk.maskOf(2).area")
    assert grown > before
    page.press("e")
    page.drag([(SIZE * 0.48, SIZE * 0.9), (SIZE * 0.62, SIZE * 0.9)])
    page.wait(f"desk.maskOf(2).area < {grown}")
    page.press("Control+z")
    page.wait(f"desk.maskOf(2).area === {grown}")
    page.press("Control+z")
    page.wait(f"desk.maskOf(2).area === {before}")


def propagate_stop_and_go_on(page):
    page.page.evaluate("window.sam2s.carrier.begin({ until: 'end', direction: 'forward' })")
    page.wait("desk.runs.some((run) => run.state === 'running' && run.done > 4)")
    page.shot(SHOTS, "app-propagate")
    page.press("Escape")
    page.wait("desk.runs.every((run) => run.state !== 'running')")
    assert page.state("desk.runs[desk.runs.length - 1].state") == "stopped"
    reached = page.state("desk.runs[desk.runs.length - 1].frame")
    assert reached > 0
    page.go(reached)
    assert len(page.state("desk.shownMasks")) == 2
    plan = f"{{ until: 'frames', frames: {SPAN - reached}, direction: 'forward' }}"
    page.page.evaluate(f"window.sam2s.carrier.begin({plan})")
    page.wait("desk.runs[desk.runs.length - 1].state === 'done'", 300)
    page.go(SPAN)
    page.wait("desk.shownMasks.length === 2")


def correct_a_frame(page, folder):
    page.go(20)
    with workspace_of(folder) as workspace:
        before = workspace.read_frame(25).objects[1]
    mask = rle.decode(page.state("desk.maskOf(1).rle"))
    y, x = np.nonzero(mask)
    page.page.evaluate("window.sam2s.desk.select(1)")
    page.press("c")
    page.click(float(x[len(x) // 3]) + 0.5, float(y[len(y) // 3]) + 0.5)
    page.page.wait_for_selector("#carry:not([hidden])")
    page.shot(SHOTS, "app-correct")
    earlier = page.state("desk.runs[desk.runs.length - 1].event_id")
    page.press("y")
    page.wait(f"desk.runs.some((run) => run.event_id > {earlier} && run.state === 'done')", 120)
    with workspace_of(folder) as workspace:
        assert workspace.read_frame(25).objects[1].event_id != before.event_id
        assert workspace.read_frame(35).objects[1].event_id == before.event_id
        assert workspace.read_frame(25).objects[2].event_id == before.event_id


def accept_undo_and_redo(page, folder):
    page.page.evaluate("window.sam2s.desk.mark([0, 11])")
    page.press("a")
    page.wait("document.querySelector('#toasts').textContent.includes('accepted')")
    page.go(5)
    page.wait("desk.shownMasks.every((mask) => mask.accepted)")
    page.shot(SHOTS, "app-accept")
    page.press("Control+z")
    page.wait("desk.shownMasks.every((mask) => !mask.accepted)")
    page.press("Control+Shift+z")
    page.wait("desk.shownMasks.every((mask) => mask.accepted)")
    page.press("Escape")
    with workspace_of(folder) as workspace:
        assert workspace.accepted(1)[0] == (0, 11)


def swap_split_and_delete(page, folder):
    page.go(30)
    with workspace_of(folder) as workspace:
        masks = {object_id: entry.mask for object_id, entry in workspace.read_frame(35).objects.items()}
    page.page.evaluate("window.sam2s.desk.select(1)")
    page.press("x")
    page.shot(SHOTS, "app-object")
    page.page.click("dialog button:has-text('Swap from frame 30 on')")
    page.page.wait_for_selector("dialog", state="detached")

    def swapped():
        with workspace_of(folder) as workspace:
            return np.array_equal(workspace.read_frame(35).objects[1].mask, masks[2])

    until(swapped)
    page.press("Control+z")
    until(lambda: not swapped())
    page.page.evaluate("window.sam2s.desk.select(2)")
    page.press("x")
    page.page.click("dialog button:has-text('Split at frame 30')")
    page.wait("desk.objects.length === 3")
    with workspace_of(folder) as workspace:
        assert sorted(workspace.read_frame(35).objects) == [1, 3]
        assert sorted(workspace.read_frame(29).objects) == [1, 2]
    page.press("Control+z")
    page.wait("desk.objects.length === 2")
    page.page.evaluate("window.sam2s.desk.select(2); window.sam2s.desk.mark([36, 41])")
    page.press("Delete")
    page.go(38)
    page.wait("desk.shownMasks.length === 1")
    page.press("Control+z")
    page.wait("desk.shownMasks.length === 2")
    page.press("Escape")


def look_through(page):
    page.go(0)
    page.press("u")
    page.wait("document.querySelector('#toasts').textContent.length > 0")
    page.go(0)
    page.press("Space")
    page.wait("work.playback.playing && desk.shownFrame > 8", 120)
    page.press("Space")
    page.wait("!work.playback.playing")
    page.go(15)
    page.wait("document.querySelectorAll('#memory img').length > 0", 30)
    page.shot(SHOTS, "app-work")
    page.press("?")
    page.shot(SHOTS, "app-keys")
    page.press("Escape")


def paint_true_masks(page, first, stop):
    """A person paints both instruments of the drawn clip exactly, so that there is something to learn."""
    scene = drawn_scene(15, 120)
    boxes, ids = drawn_boxes(), []
    _, labels = scene.render(0)
    for x0, y0, x1, y1 in boxes:
        inside = labels[y0:y1, x0:x1]
        ids.append(int(np.bincount(inside[inside > 0]).argmax()))
    for frame in range(first, stop):
        _, labels = scene.render(frame)
        for object_id, item in enumerate(ids, 1):
            body = {"frame": frame, "object_id": object_id, "rle": rle.encode(labels == item)}
            page.post("brush", body)


def teach_and_take_the_weights(page):
    if not CLIP:
        paint_true_masks(page, 0, 24)
        paint_true_masks(page, 28, SPAN)
    for start, stop in ((0, 24), (28, SPAN)):
        page.page.evaluate(f"window.sam2s.desk.mark([{start}, {stop}])")
        page.press("a")
        page.wait(f"!document.querySelector('dialog') && desk.span[0] === {start}")
        page.page.wait_for_timeout(500)
    page.press("Escape")
    page.press("w")
    page.page.fill("#teach-minutes", "2")
    page.page.wait_for_selector("#teach-begin:enabled")
    assert "learns from 24 accepted frames of 2 objects, for 2 minutes" in page.page.inner_text(".plan")
    page.shot(SHOTS, "app-teach-plan")
    page.page.click("#teach-begin")
    page.page.wait_for_selector("dialog p[role=status]:has-text('learning')", timeout=240_000)
    page.shot(SHOTS, "app-teach")
    page.press("Escape")
    page.page.wait_for_selector("#teach:has-text('learning')")
    page.go(SPAN)  # meanwhile one works on
    before = page.state("work.event")
    page.page.evaluate("window.sam2s.desk.select(1); window.sam2s.desk.use('point')")
    page.page.mouse.click(*page.at(*page.inside(1)))
    page.wait(f"work.event > {before}")
    page.press("Control+e")
    page.page.click("dialog button.primary")
    page.page.wait_for_selector("#export-file", timeout=60_000)
    assert page.state("work.teaching.state") == "running"  # an export does not wait for teaching
    page.press("Escape")
    page.wait("work.teaching.state !== 'running'", 900)
    assert page.state("work.teaching.state") == "done"
    page.press("w")
    page.page.wait_for_selector("dialog table")
    better = page.page.locator("#teach-take").count() == 1
    assert better == page.page.locator("dialog :text('Better by')").count()
    page.page.wait_for_timeout(1500)
    page.shot(SHOTS, "app-taught")
    if better:
        take_and_go_back(page)
    page.press("Escape")


def take_and_go_back(page):
    page.page.click("#teach-take")
    page.page.wait_for_selector("dialog li:has-text('taught 1') strong:text('in use')")
    page.wait("work.engine.ready && work.engine.weights.endsWith('taught 1')", 60)
    page.press("Escape")
    before = page.state("work.event")
    page.page.mouse.click(*page.at(*page.inside(1)))
    page.wait(f"work.event > {before}")  # answered by the new weights
    page.press("w")
    page.page.click("dialog button[data-use='0']")
    page.wait("work.engine.ready && !work.engine.weights.includes('taught')", 60)
    page.page.wait_for_selector("dialog li:has-text('as the server was started') strong:text('in use')")


def export_and_import_elsewhere(page, folder, browser, tmp_path):
    page.press("Control+e")
    page.page.select_option("dialog select", "coco")
    page.page.click("dialog button.primary")
    page.page.wait_for_selector("#export-file", timeout=120_000)
    page.shot(SHOTS, "app-export")
    with page.page.expect_download() as download:
        page.page.click("#export-file")
    download.value.save_as(tmp_path / "coco.json")
    page.press("Escape")
    (clip,) = folder.glob("*.mp4")
    shutil.copy(clip, folder / "elsewhere.mp4")
    other = Page(browser, page.server).open("/")
    other.page.click('.card a:has-text("elsewhere")')
    other.page.wait_for_selector("body[data-ready]")
    other.page.click("#import")
    other.page.select_option("dialog select", "coco")
    other.page.set_input_files("dialog input[type=file]", tmp_path / "coco.json")
    other.page.click("dialog button.primary")
    other.page.wait_for_selector("dialog", state="detached", timeout=120_000)
    other.wait("desk.objects.length === 2")
    with workspace_of(folder) as sent, Workspace.open(folder / "elsewhere.mp4.sam2s") as came:
        for frame in range(0, SPAN, 5):
            there = {i: entry.mask for i, entry in came.read_frame(frame).objects.items()}
            for object_id, entry in sent.read_frame(frame).objects.items():
                assert np.array_equal(there.get(object_id, np.zeros_like(entry.mask)), entry.mask)
    assert other.errors == []
    other.context.close()
    (folder / "elsewhere.mp4").unlink()
    shutil.rmtree(folder / "elsewhere.mp4.sam2s")


def test_a_video_is_labelled_from_the_first_click_to_the_export(browser, served, tmp_path):
    folder, server = served
    page = Page(browser, server)
    open_clip(page)
    point_at_two_instruments(page, given_boxes() if CLIP else drawn_boxes())
    paint_and_erase(page)
    propagate_stop_and_go_on(page)
    correct_a_frame(page, folder)
    accept_undo_and_redo(page, folder)
    swap_split_and_delete(page, folder)
    look_through(page)
    teach_and_take_the_weights(page)
    export_and_import_elsewhere(page, folder, browser, tmp_path)
    with workspace_of(folder) as workspace:
        assert workspace.check().whole
        before = {frame: workspace.read_frame(frame) for frame in range(SPAN)}
    page.offline = True
    server.kill()
    page.page.wait_for_selector("#banner.bad:not([hidden])")
    server.start().ready()
    page.page.wait_for_selector("#banner", state="hidden", timeout=30_000)
    page.offline = False
    page.page.reload()
    page.page.wait_for_selector("body[data-ready]")
    with workspace_of(folder) as workspace:
        assert {frame: workspace.read_frame(frame) for frame in range(SPAN)} == before
    page.press("Control+z")  # undo reaches back behind the restart
    page.page.wait_for_timeout(500)
    page.open("/")
    assert "2 objects" in page.page.inner_text(".card")
    page.shot(SHOTS, "app-start")
    assert page.errors == []
    assert page.foreign == []
