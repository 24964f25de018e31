"""By video of the tiny copies: its part, patient, rate, last frame and time, and the rules that link its objects.

Rates and times follow from the publishers' numbering: 25 a second in CholecSeg8k and Endoscapes, 60 in SAR-RARP50, 2 in
EndoVis, 1 in AutoLaparo and CholecInstanceSeg, every 30 seconds in its sparse parts. A change of a rule makes other
ids: then the version of the reader goes up.
"""

from fractions import Fraction

import pytest

from sam2s.sasv.fixtures import draw_fixture
from sam2s.sasv.raw import LinkRules
from sam2s.sasv.registry import all_adapters, list_videos

PLAIN = LinkRules()
MAPPED = LinkRules(gap=10)
LINKS = {
    "art-net": MAPPED,
    "autolaparo": LinkRules(gate=0),
    "bkai-igh": PLAIN,
    "cholecinstanceseg": LinkRules(gap=1_000_000, gate=0),
    "cholecseg8k": LinkRules(gap=80, min_area=100, join=10),
    "cvc-clinicdb": PLAIN,
    "dsad": PLAIN,
    "endoscapes": PLAIN,
    "endovis17": LinkRules(gap=300, gate=0, min_area=500, join=20),
    "endovis18": LinkRules(gap=20, min_area=500, join=10),
    "grasp": LinkRules(by="order"),
    "hyst-yt": MAPPED,
    "kvasir-seg": PLAIN,
    "polypgen": LinkRules(gap=1000, gate=0),
    "robotool": LinkRules(join=5),
    "sar-rarp50": LinkRules(gap=10, gate=0.05, min_area=500, join=15),
    "surgai3.8k": MAPPED,
}
# Part, patient, frames a second, number of the last frame, its time in seconds.
VIDEOS = {
    "art-net/val-001": ("train", "art-net:val-001", None, 1, None),
    "autolaparo/001": ("train", "autolaparo:train", "1", 125, "5"),
    "autolaparo/171": ("train", "autolaparo:val", "1", 25, "1"),
    "bkai-igh/0a5f": ("train", "bkai-igh:0a5f", None, 0, None),
    "cholecinstanceseg/VID01_t50_full": ("train", "cholec:001", "1", 3, "3"),
    "cholecinstanceseg/VID23_t50_full": ("val", "cholec:023", "1", 0, "0"),
    "cholecinstanceseg/VID07_t80_sparse": ("test", "cholec:007", "1/30", 30, "30"),
    "cholecinstanceseg/VID09_seg8k": ("test", "cholec:009", "25", 80, "16/5"),
    "cholecseg8k/video01_00080": ("train", "cholec:001", "25", 161, "161/25"),
    "cvc-clinicdb/05": ("train", "cvc-clinicdb:05", None, 100, None),
    "dsad/colon-01": ("train", "dsad:01", None, 100, None),
    "dsad/liver-21-image07": ("train", "dsad:21", None, 7, None),
    "dsad/multilabel-02": ("test", "dsad:02", None, 1, None),
    "endoscapes/1_850": ("train", "cholec:067", None, 850, "34"),
    "endoscapes/121_100": ("train", "cholec:066", None, 100, "4"),
    "endoscapes/162_100": ("train", "endoscapes:162", None, 100, "4"),
    "endovis17/seq_6": ("test", "endovis17:6", "2", 226, "113"),
    "endovis17/seq_9": ("train", "endovis17:9", "2", 0, "0"),
    "endovis18/seq_1": ("train", "endovis18:1", "2", 1, "1/2"),
    "endovis18/seq_5": ("test", "endovis18:5", "2", 1, "1/2"),
    "grasp/CASE014": ("train", "grasp:CASE014", None, 10_000, None),
    "hyst-yt/vid1": ("test", "hyst-yt:vid1", "1", 2, None),
    "kvasir-seg/cju0c": ("train", "kvasir-seg:cju0c", None, 0, None),
    "polypgen/seq2": ("test", "polypgen:seq2", None, 40, None),
    "polypgen/C1_100H0050": ("test", "polypgen:C1:100", None, 50, None),
    "polypgen/C3_C3_EndoCV2021_00489_": ("test", "polypgen:C3", None, 489, None),
    "polypgen/C4_12_endocv2021_positive_3": ("test", "polypgen:C4:12", None, 3, None),
    "robotool/dv10_00003": ("train", "robotool:dv10", None, 3, None),
    "sar-rarp50/video_11_2": ("train", "sar-rarp50:11", "1", 0, "0"),
    "sar-rarp50/video_41": ("test", "sar-rarp50:41", "1", 120, "2"),
    "surgai3.8k/case10": ("train", "surgai3.8k:case10", None, 10, None),
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    root = tmp_path_factory.mktemp("downloads")
    listed = {}
    for name, adapter in all_adapters().items():
        draw_fixture(name, root)
        listed |= {f"{name}/{video.name}": video for video in list_videos(adapter, adapter.find(root))}
    return listed


def test_rules_of_every_video(videos):
    for name, video in videos.items():
        rules, expected = video.link_rules, LINKS[name.partition("/")[0]]
        assert (rules.by, rules.gap, rules.gate, rules.min_area, rules.join) == (
            expected.by,
            expected.gap,
            expected.gate,
            expected.min_area,
            expected.join,
        ), name


@pytest.mark.parametrize("name", VIDEOS)
def test_part_patient_rate_and_time(videos, name):
    video = videos[name]
    *_, last = video.frames()
    split, patient, fps, index, pts = VIDEOS[name]
    assert (video.split, video.patient, last.index) == (split, patient, index)
    assert video.fps == (None if fps is None else Fraction(fps))
    assert last.pts == (None if pts is None else Fraction(pts))


def test_defaults_of_the_rules():
    assert (PLAIN.by, PLAIN.gap, PLAIN.gate, PLAIN.min_area, PLAIN.join, PLAIN.most) == ("overlap", 5, 0.1, 50, 0, {})


def test_single_pictures_and_crops(videos):
    pictures = {name.partition("/")[0] for name, video in videos.items() if video.images}
    assert pictures == {"art-net", "bkai-igh", "dsad", "endoscapes", "kvasir-seg", "polypgen", "robotool"}
    crops = {name.partition("/")[0]: video.crop for name, video in videos.items() if video.crop}
    assert crops == {"endovis17": (320, 28, 1280, 1024), "hyst-yt": (4, 2, 56, 44)}


def test_instruments_of_a_type_are_as_many_as_the_training_part_names(videos):
    assert dict(videos["endovis17/seq_6"].link_rules.most) == {"large needle driver": 2}
    assert dict(videos["endovis17/seq_9"].link_rules.most) == {}
