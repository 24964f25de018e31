"""Counting a built set in the columns of Table 1."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from sam2s.sasv.counts import COLUMNS, Tally, table1, tally, tally_videos
from sam2s.sasv.masklets import Masklet, MaskletFrame, MaskletVideo
from sam2s.sasv.registry import all_adapters


def video(name="v", *areas, subset="ClinicDB", kind="tissue", layers=(1, 1, 0), images=False, fps=None, size=(10, 20)):
    """A video whose objects have these areas by frame."""
    objects = tuple(Masklet(i, f"c{i}", kind, "x", tuple(area)) for i, area in enumerate(areas, 1))
    frames = tuple(MaskletFrame(f"frames/{t}.png", t, None, count) for t, count in enumerate(layers))
    return MaskletVideo(
        folder=Path(),
        id=name,
        source="s",
        subset=subset,
        split="train",
        patient="p",
        procedure="",
        licence="",
        images=images,
        size=size,
        fps=fps,
        crop=None,
        frames=frames,
        objects=objects,
        link_stats={"clear": 2, "doubtful": 1},
        review=(),
        edits=(),
        base="",
        recipe="",
    )


def test_masks_are_counted_on_frames_where_the_object_is_seen():
    counts = Tally()
    counts.add(video("a", (40, 0, None), (10, 20, None)))
    assert (counts.frames, counts.tissues, counts.instruments, counts.masks) == (2, 3, 0, 3)
    assert (counts.videos, counts.masklets) == (1, 2)
    assert counts.pixels == pytest.approx((40 + 10 + 20) / 200)


def test_instruments_and_tissues_are_counted_apart():
    counts = Tally()
    counts.add(video("a", (5, 5, 5), kind="instrument"))
    counts.add(video("b", (5, 0, 0)))
    assert (counts.instruments, counts.tissues) == (3, 1)


def test_an_object_that_is_never_seen_is_no_masklet():
    counts = Tally()
    counts.add(video("a", (0, 0, None), (3, 0, None)))
    assert counts.masklets == 1
    assert counts.categories == {"c2": 1}


def test_single_pictures_count_as_frames_and_masks_but_not_as_videos():
    counts = Tally()
    counts.add(video("a", (5,), layers=(1,), images=True))
    assert (counts.videos, counts.masklets, counts.frames, counts.tissues, counts.seconds) == (0, 0, 1, 1, 0)
    assert counts.categories == {"c1": 1}


def test_seconds_follow_the_rate_or_one_frame_a_second():
    counts = Tally()
    counts.add(video("a", fps=Fraction(2)))
    counts.add(video("b"))
    assert counts.seconds == Fraction(3, 2) + 3


def test_links_add_up():
    counts = Tally()
    counts.add(video("a"))
    counts.add(video("b"))
    assert counts.link_stats == {"clear": 4, "doubtful": 2}


def test_subsets_come_in_the_order_of_table_1_and_the_rest_last():
    videos = [video("a", subset=None), video("b", subset="PolypGen"), video("c", subset="ART-Net"), video("d")]
    assert list(tally(videos)) == ["ART-Net", "ClinicDB", "PolypGen", None]
    assert list(tally_videos(videos)) == ["a", "b", "c", "d"]


def test_table_1_names_every_source_and_each_row_once():
    rows = table1()
    assert len({row.subset for row in rows}) == len(rows) == 19
    for row in rows:
        assert row.subset in all_adapters()[row.source].INFO.subsets
        assert row.split in ("train", "test")
        assert set(row.numbers) == set(COLUMNS)
        assert set(COLUMNS) <= set(row.why)


def test_reasons_of_a_row_come_before_the_general_ones():
    rows = {row.subset: row for row in table1()}
    assert rows["GraSP"].why["masklets"].startswith("keyframes are 35 s apart")
    assert rows["GraSP"].why["frames"] == rows["GraSP"].general["frames"]
    assert replace(rows["GraSP"]).numbers["frames"] == 3449
