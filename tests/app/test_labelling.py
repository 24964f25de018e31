"""Labelling in a real browser, at the speed of a person who does not wait for answers."""

import shutil

import numpy as np
import pytest

from app_browser import Page, running
from sam2s.masks import rle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory, clip):
    served = tmp_path_factory.mktemp("labelling")
    shutil.copy(clip, served / "clip.mp4")
    with running(served) as started:
        yield started


@pytest.fixture
def page(browser, server, clip, request):
    """The working page of a fresh copy of the clip."""
    name = f"{request.node.name[:60]}.mp4"
    shutil.copy(clip, server.target / name)
    opened = Page(browser, server).open("/")
    opened.page.click(f'.card a:has-text("{name}")')
    opened.page.wait_for_selector("body[data-ready]")
    opened.wait("desk.picture !== null")
    yield opened
    assert opened.errors == []
    opened.context.close()


def slow_down(page, seconds):
    """Answers to strokes take their time, as on a busy machine."""
    script = """seconds => { const send = window.fetch; window.fetch = async (...given) => {
        if (String(given[0]).endsWith("/brush")) await new Promise((then) => setTimeout(then, 1000 * seconds));
        return send(...given); }; }"""
    page.page.evaluate(script, seconds)


def settle(page):
    page.page.evaluate("() => window.sam2s.queue")


def mask_of(page, object_id):
    return rle.decode(page.state(f"desk.maskOf({object_id}).rle"))


def add(page, name):
    page.press("n")
    page.page.fill("dialog input[required]", name)
    page.press("Enter")
    page.page.wait_for_selector("dialog", state="detached")


def test_strokes_made_before_the_first_is_answered_are_all_kept(page):
    slow_down(page, 0.5)
    page.press("r")
    rows = (10, 25, 40, 55)
    for row in rows:
        page.drag([(10, row), (60, row)])
    page.press("e")
    page.drag([(60, 5), (60, 60)])
    settle(page)
    page.wait("work.tools.painted === null")
    mask = mask_of(page, 1)
    assert all(mask[row, 10:40].all() for row in rows)
    assert not mask[:, 60].any()
    assert page.state("desk.objects.length") == 1


def test_undo_right_behind_a_stroke_takes_that_stroke_back(page):
    page.press("r")
    page.drag([(10, 10), (60, 10)])
    settle(page)
    before = mask_of(page, 1)
    slow_down(page, 0.5)
    page.drag([(10, 50), (60, 50)])
    page.press("Control+z")
    settle(page)
    page.wait(f"desk.maskOf(1).area === {before.sum()}")
    assert np.array_equal(mask_of(page, 1), before)


def test_shift_and_a_click_paint_a_straight_line_from_where_the_last_stroke_ended(page):
    page.press("r")
    page.page.evaluate("() => { window.sam2s.desk.brush = 6; }")
    page.page.mouse.click(*page.at(10, 10))
    page.page.keyboard.down("Shift")
    page.page.mouse.click(*page.at(80, 45))
    page.page.keyboard.up("Shift")
    settle(page)
    mask = mask_of(page, 1)
    assert all(mask[10 + step // 2, 10 + step] for step in range(0, 70, 5))
    assert not mask[45, 10]
    assert not mask[10, 80]
    page.go(3)
    page.page.keyboard.down("Shift")
    page.page.mouse.click(*page.at(40, 40))  # the last stroke was on another frame
    page.page.keyboard.up("Shift")
    settle(page)
    assert mask_of(page, 1).sum() < 60


def test_a_mask_is_not_drawn_on_another_frame_while_it_is_being_saved(page):
    slow_down(page, 1)
    page.press("r")
    page.drag([(10, 10), (60, 10)])
    page.press("ArrowRight")
    page.wait("desk.shownFrame === 1")
    assert page.state("work.tools.painted") is None
    settle(page)
    assert page.state("desk.shownMasks") == []
    page.go(0)
    assert mask_of(page, 1)[10, 30]


def test_a_second_object_of_a_name_gets_the_next_instance_and_is_told_apart_everywhere(page):
    add(page, "grasper")
    add(page, "grasper")
    assert page.state("desk.objects.map((item) => item.instance)") == [1, 2]
    assert "2 grasper" in page.page.inner_text("#confidence")
    page.press("F2")  # its own number does not count as taken
    page.page.fill("dialog input[required]", "grasper")
    page.press("Enter")
    page.page.wait_for_selector("dialog", state="detached")
    assert page.state("desk.objects.map((item) => item.instance)") == [1, 2]


def test_digits_choose_objects_also_while_it_is_asked_how_far_a_correction_is_carried(page):
    add(page, "grasper")
    page.click(40, 30)
    add(page, "hook")
    page.click(70, 40)
    page.press("Enter")
    page.wait("desk.runs.some((run) => run.state === 'done')")
    page.go(4)
    page.press("1")
    page.click(30, 30)
    page.page.wait_for_selector("#carry:not([hidden])")
    page.press("2")
    assert page.state("desk.selected") == 2
    page.press("r")
    page.drag([(60, 40), (70, 45)])
    page.wait("work.carrier.asked.length === 2")
    asked = page.page.inner_text("#carry")
    assert "1 grasper, 2 hook" in asked
    picture, bar = (page.page.locator(what).bounding_box() for what in ("#picture", "#carry"))
    assert bar["y"] >= picture["y"] + picture["height"], "the question lies on the picture"
    page.press("p")
    page.wait("desk.runs.length > 1 && desk.runs.every((run) => run.state !== 'running')")
    assert page.state("desk.runs[desk.runs.length - 1].objects") == [1, 2]


def test_pictures_of_what_it_remembers_follow_the_mask(page):
    page.press("r")
    page.drag([(10, 10), (60, 10)])
    page.page.wait_for_selector("#memory img")
    before = page.page.get_attribute("#memory img", "src")
    page.drag([(10, 50), (60, 50)])
    settle(page)
    page.page.wait_for_selector(f'#memory img:not([src="{before}"])')


def test_overlapping_masks_are_told_and_given_to_one_object_in_a_click(page):
    page.press("r")
    page.page.evaluate("() => { window.sam2s.desk.brush = 20; }")
    page.drag([(10, 30), (80, 30)])
    settle(page)
    add(page, "hook")
    page.page.evaluate("() => { window.sam2s.desk.brush = 10; }")
    page.drag([(30, 30), (50, 30)])
    settle(page)
    page.page.wait_for_selector("#confidence :text('100 % of 2 hook lies in 1 object as well')")
    hook = mask_of(page, 2)
    assert page.page.evaluate(
        """async () => { const { sharedArea } = await import("/static/rle.js"), desk = window.sam2s.desk;
        return sharedArea(desk.maskOf(1).rle, desk.maskOf(2).rle); }"""
    ) == int((mask_of(page, 1) & hook).sum())
    page.page.click("#confidence .alarm button:has-text('2 hook')")
    page.page.wait_for_selector("#confidence .alarm button", state="detached")
    assert np.array_equal(mask_of(page, 2), hook)
    assert not (mask_of(page, 1) & hook).any()
    page.press("Control+z")
    page.page.wait_for_selector("#confidence .alarm button")


def test_a_mask_is_copied_to_another_frame_and_given_frames_are_gone_through(page):
    page.press("r")
    page.drag([(10, 30), (60, 30)])
    settle(page)
    mask = mask_of(page, 1)
    page.press("Control+c")
    page.go(7)
    page.press("Control+v")
    settle(page)
    assert np.array_equal(mask_of(page, 1), mask)
    assert page.state("desk.maskOf(1).layer") == "brushed"
    assert page.page.inner_text("#prompts") == "1 object: painted mask"
    page.press("Control+ArrowLeft")
    page.wait("desk.shownFrame === 0")
    page.press("Control+ArrowRight")
    page.wait("desk.shownFrame === 7")


def test_statistics_count_the_frames_of_each_object(page):
    for frame in (0, 2, 3):
        page.go(frame)
        page.press("r")
        page.drag([(10, 30), (60, 30)])
        settle(page)
    page.press("a")
    page.page.wait_for_selector("#toasts :text('frame 3: accepted')")
    page.press("Shift+D")
    row = page.page.inner_text("dialog tbody tr").split("\t")
    assert row == ["1 object", "3 (13 %)", "3 (13 %)", "1 (4 %)"]
    page.press("Escape")


def test_a_timeline_that_shows_the_whole_video_does_so_in_a_smaller_window_too(page):
    shown = "work.timeline.width * work.timeline.perPixel"
    length = 5000  # as of a longer video: a frame is never drawn wider than 16 pixels
    page.page.evaluate("n => { window.sam2s.desk.video.length = n; window.sam2s.timeline.whole(); }", length)
    width = page.state("work.timeline.width")
    page.page.set_viewport_size({"width": 1000, "height": 700})
    page.wait(f"work.timeline.width < {width} - 200 && Math.abs({shown} - {length}) < 0.01")
    page.press("z")
    page.page.set_viewport_size({"width": 1400, "height": 700})
    page.wait(f"work.timeline.width > {width} - 100")
    assert page.state(shown) < length - 1
