"""The jobs file in its three forms, and every way an entry can be wrong."""

import json

import pytest

from sam2s.archive import read_jobs
from sam2s.errors import ConfigError
from sam2s.session.events import encode_prompt
from sam2s.tracking.prompts import Box
from sam2s.workspace import ObjectInfo, VideoIdentity, Workspace


def write(path, text):
    path.write_text(text)
    return path


def test_three_forms_of_one_file(tmp_path):
    rows = [{"video": "a.mp4", "prompts": "a.json", "stride": 2}, {"name": "b", "video": "/v/x.mp4", "workspace": "w"}]
    forms = [
        write(tmp_path / "j.csv", "name,video,prompts,workspace,stride\n,a.mp4,a.json,,2\nb,/v/x.mp4,,w,\n"),
        write(tmp_path / "j.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"),
        write(tmp_path / "j.yaml", "jobs:\n" + "".join(f"  - {json.dumps(row)}\n" for row in rows)),
    ]
    first, second = read_jobs(forms[0])
    assert (first.name, first.video, first.prompts) == ("a", str(tmp_path / "a.mp4"), str(tmp_path / "a.json"))
    assert first.settings == {"stride": 2}
    assert (second.video, second.workspace) == ("/v/x.mp4", str(tmp_path / "w"))
    assert read_jobs(forms[1]) == read_jobs(forms[2]) == [first, second]


def test_a_byte_order_mark_and_truth_values_as_text_are_read(tmp_path):
    path = tmp_path / "j.csv"
    path.write_bytes("\ufeffvideo,masks,reverse\na.mp4,m,True\n".encode())
    assert read_jobs(path)[0].settings == {"reverse": True}
    path.write_text("video,masks,pattern,square_pixels\nframes,m,*_endo.png,true\n")
    assert read_jobs(path)[0].settings == {"pattern": "*_endo.png", "square_pixels": True}


def test_files_are_sought_where_the_jobs_file_lies_since_workers_run_anywhere(tmp_path):
    (tmp_path / "mine.safetensors").touch()
    lines = [
        {"video": "a", "proposer": "detector.py:propose", "weights": "mine.safetensors"},
        {"video": "b", "proposer": "package.detector:propose", "weights": "micro"},
    ]
    first, second = read_jobs(write(tmp_path / "j.jsonl", "\n".join(map(json.dumps, lines))))
    assert first.proposer == f"{tmp_path / 'detector.py'}:propose"
    assert first.settings == {"weights": str(tmp_path / "mine.safetensors")}
    assert (second.proposer, second.settings) == ("package.detector:propose", {"weights": "micro"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("j.txt", "x", r"has the ending '\.txt'; a jobs file ends in \.csv, \.jsonl, \.yaml or \.yml"),
        ("j.csv", "video,prompts\n", "holds no jobs"),
        ("j.csv", "video,prompts\na,b,c\n", "line 2 has more cells than the header"),
        ("j.csv", "video\na.mp4\n", r"line 2: give exactly one of prompts, masks, workspace, proposer; none is given"),
        ("j.jsonl", '{"video": "a", "prompts": "p", "masks": "m"}', "prompts and masks is given"),
        ("j.jsonl", "{", "line 1 is not JSON"),
        ("j.jsonl", "[1]", r"line 1 must be an object with at least the key video; found \[1\]"),
        ("j.jsonl", '{"prompts": "p"}', "the key video is missing"),
        ("j.jsonl", '{"video": 3, "prompts": "p"}', "video must be text, not 3"),
        ("j.jsonl", '{"video": "a", "prompts": "p", "fps": 3}', "the key 'fps' is not known; allowed are"),
        ("j.jsonl", '{"video": "a", "prompts": "p", "stride": "x"}', "stride must be a whole number, not 'x'"),
        ("j.jsonl", '{"video": "a", "prompts": "p", "stride": true}', "stride must be a whole number, not True"),
        ("j.jsonl", '{"video": "a", "prompts": "p", "name": "../b"}', r"the name '\.\./b' cannot name a folder"),
        ("j.yaml", "a: [", "is not YAML"),
        ("j.yaml", "a: 1", "expected a list of jobs"),
        ("j.jsonl", '{"video": "a", "prompts": "p"}\n{"video": "x/A.mp4", "prompts": "p"}', "two jobs are called 'A'"),
    ],
)
def test_malformed_files_are_refused_with_their_place(tmp_path, name, text, message):
    with pytest.raises(ConfigError, match=message):
        read_jobs(write(tmp_path / name, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the jobs file .*j\.csv"):
        read_jobs(tmp_path / "j.csv")


def test_the_digest_follows_settings_and_the_content_of_prompts(tmp_path):
    (tmp_path / "p.json").write_text("{}")
    line = '{"video": "a", "prompts": "p.json", "stride": %d}'
    one = read_jobs(write(tmp_path / "j.jsonl", line % 1))[0].digest()
    assert read_jobs(write(tmp_path / "j.jsonl", line % 1))[0].digest() == one
    assert read_jobs(write(tmp_path / "j.jsonl", line % 2))[0].digest() != one
    (tmp_path / "p.json").write_text("{ }")
    assert read_jobs(write(tmp_path / "j.jsonl", line % 1))[0].digest() != one


def test_the_digest_follows_the_file_of_a_proposer(tmp_path):
    (tmp_path / "d.py").write_text("a = 1")
    path = write(tmp_path / "j.jsonl", '{"video": "a", "proposer": "d.py:f"}')
    before = read_jobs(path)[0].digest()
    (tmp_path / "d.py").write_text("a = 2")
    assert read_jobs(path)[0].digest() != before


def test_the_digest_follows_what_people_point_at_in_a_workspace(tmp_path):
    folder = tmp_path / "w"
    job = read_jobs(write(tmp_path / "j.jsonl", '{"video": "a", "workspace": "w"}'))[0]
    with Workspace.create(folder, VideoIdentity("a", "f", (48, 80), fps=25, length=4)) as workspace:
        workspace.put_object(ObjectInfo(1, "grasper"))
        workspace.record("prompt", frame=0, object_id=1, payload={"prompt": encode_prompt(Box(1, 2, 30, 40))})
        before = job.digest()
        assert job.digest() == before
        workspace.record("prompt", frame=2, object_id=1, payload={"prompt": encode_prompt(Box(5, 6, 30, 40))})
        assert job.digest() != before
