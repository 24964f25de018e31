"""Finding readers by name, and what their videos may be called."""

from types import SimpleNamespace

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.raw import RawVideo
from sam2s.sasv.registry import all_adapters, get_adapter, list_videos

NAMES = [
    "art-net",
    "autolaparo",
    "bkai-igh",
    "cholecinstanceseg",
    "cholecseg8k",
    "cvc-clinicdb",
    "dsad",
    "endoscapes",
    "endovis17",
    "endovis18",
    "grasp",
    "hyst-yt",
    "kvasir-seg",
    "polypgen",
    "robotool",
    "sar-rarp50",
    "surgai3.8k",
]


def test_all_17_sources_are_there_in_alphabetical_order():
    assert list(all_adapters()) == NAMES


def test_every_source_says_what_a_person_must_know():
    for adapter in all_adapters().values():
        info = adapter.INFO
        assert all((info.title, info.procedure, info.subsets, info.access, info.licence, info.layout))
        assert info.url.startswith(("http://", "https://"))
        assert info.name in load_ontology().sources
        assert adapter.FORM.files
        assert adapter.FORM.words


def test_every_word_by_which_folders_are_known_speaks_for_one_source():
    words = [word for adapter in all_adapters().values() for word in adapter.FORM.words]
    assert len(set(words)) == len(words)
    assert all(word == word.lower() and " " not in word for word in words)


def test_an_unknown_name_lists_the_known_ones():
    assert get_adapter("grasp").INFO.title == "GraSP"
    with pytest.raises(DatasetError, match=r"there is no source 'clinicdb'; known sources: art-net, .*, surgai3\.8k"):
        get_adapter("clinicdb")


def listed(tmp_path, *names):
    videos = [RawVideo(name, None, "train", "p") for name in names]
    adapter = SimpleNamespace(videos=lambda _: iter(videos), INFO=SimpleNamespace(layout="some files"))
    return [video.name for video in list_videos(adapter, tmp_path)]


def test_names_of_videos_are_names_of_folders(tmp_path):
    assert listed(tmp_path, "a-1_b.c", "_x", "9") == ["a-1_b.c", "_x", "9"]
    for name in (".hidden", "a/b", "a b", "", "..", "a\n", "ä"):
        with pytest.raises(DatasetError, match="is no good folder name; restore the official file names"):
            listed(tmp_path, name)


def test_two_videos_of_one_name_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="video name 'a' is twice there"):
        listed(tmp_path, "a", "b", "a")


def test_no_video_at_all_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no video that is complete; it should have some files"):
        listed(tmp_path)
