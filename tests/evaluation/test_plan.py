"""Rows and their names."""

import pytest

from sam2s.errors import ConfigError
from sam2s.evaluation.plan import parse_shard, plan_runs, weights_label
from sam2s.evaluation.rules import Prompting

MASK = [Prompting.MASK]


def rows(methods=("sam2s",), memories=("divemem",), weights=("micro",), prompts=MASK):
    return [(r.label, r.method, r.memory, r.weights) for r in plan_runs(methods, memories, prompts, weights)]


def test_a_row_for_each_of_the_weights_and_memories():
    assert rows(weights=("micro", "best=runs/a/weights.safetensors")) == [
        ("micro divemem", "sam2s", "divemem", "micro"),
        ("best", "sam2s", "divemem", "runs/a/weights.safetensors"),
    ]
    assert [label for label, *_ in rows(memories=("divemem", "sam2", "sam2"), weights=("x=micro",))] == [
        "x divemem",
        "x sam2",
    ]


def test_others_start_from_the_first_weights_and_are_one_row():
    assert rows(("copy", "mine=command:run {frames} {out}"), weights=("one=a", "two=b")) == [
        ("copy", "copy", "divemem", "a"),
        ("mine", "command:run {frames} {out}", "divemem", "a"),
    ]


def test_the_same_row_is_never_there_twice():
    assert len(rows(("copy", "copy", "sam2s", "sam2s"), weights=("micro", "micro"))) == 2
    with pytest.raises(ConfigError, match="'a' and 'b' are one row under two names; leave one out"):
        rows(("a=copy", "b=copy"))
    with pytest.raises(ConfigError, match="are one row under two names"):
        rows(weights=("a=micro", "b=micro"))


def test_two_rows_never_have_one_name():
    with pytest.raises(ConfigError, match="two rows are called 'command'; name them: --method NAME="):
        rows(("command:a {frames} {out}", "command:b {frames} {out}"))
    with pytest.raises(ConfigError, match="two rows are called 'x'"):
        rows(("x=copy", "x=flow"))


def test_every_row_under_every_protocol():
    runs = plan_runs(["copy"], ["divemem"], [Prompting.MASK, Prompting.BOX, Prompting.MASK], ["micro"])
    assert [run.folder for run in runs] == ["copy-mask", "copy-box"]
    assert [run.uses_weights for run in runs] == [False, True]
    (ready,) = plan_runs(["masks:some/folder"], [], [Prompting.BOX], ["micro"])
    assert (ready.label, ready.uses_weights) == ("folder", False)


@pytest.mark.parametrize(
    ("weights", "label"),
    [
        ("sam2.1-tiny", "sam2.1-tiny"),
        ("runs/a/weights.safetensors", "a"),
        ("runs/a/best.safetensors", "a"),
        ("runs/mine.safetensors", "mine"),
        ("sam2.1_hiera_tiny.pt", "sam2.1_hiera_tiny"),
    ],
)
def test_weights_are_called_after_what_tells_them_apart(weights, label, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert weights_label(weights) == label


def test_an_equals_sign_within_a_path_or_line_is_no_name():
    (run,) = plan_runs(["command:run --out={out} {frames}"], [], MASK, ["micro"])
    assert (run.label, run.method) == ("command", "command:run --out={out} {frames}")
    with pytest.raises(ConfigError, match="'=copy' is not NAME="):
        rows(("=copy",))


def test_unknown_memory():
    with pytest.raises(ConfigError, match="memory 'long' is not one of"):
        rows(memories=("long",))


@pytest.mark.parametrize("text", ["2/2", "1", "-1/2", "a/b", "1/0"])
def test_shards_are_checked(text):
    with pytest.raises(ConfigError, match="is not I/N with I from 0 to N - 1"):
        parse_shard(text)
    assert parse_shard("1/2") == (1, 2)


def test_a_memory_that_searches_is_a_row_of_its_own():
    runs = plan_runs(["sam2s"], ["divemem", "divemem+search"], [Prompting.MASK], ["micro"])
    assert [run.memory for run in runs] == ["divemem", "divemem+search"]
    assert [run.folder for run in runs] == ["micro-divemem-mask", "micro-divemem+search-mask"]
    with pytest.raises(ConfigError, match="memory 'search' is not one of 'divemem', 'sam2'"):
        plan_runs(["sam2s"], ["search"], [Prompting.MASK], ["micro"])
