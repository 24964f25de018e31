"""`sam2s synth`: what stands in the folder fits together, and fits what the scene draws."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import OutputError
from sam2s.formats.prompts_file import read_prompts
from sam2s.masks.palette import read_label_map
from sam2s.synth import Scene
from sam2s.synth.export import write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scene]:
    out = tmp_path_factory.mktemp("synth") / "clip"
    scene = Scene(4, 64, 6, kind="robotic")
    write_clip(scene, out, frames=True)
    return out, scene


def test_masks_frames_and_video_are_the_scene(clip: tuple[Path, Scene]) -> None:
    out, scene = clip
    with av.open(str(out / "video.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(decoded) == len(list((out / "masks").iterdir())) == scene.length
    for t, frame in enumerate(decoded):
        image, labels = scene.render(t)
        np.testing.assert_array_equal(read_label_map(out / "masks" / f"{t:05d}.png"), labels)
        np.testing.assert_array_equal(np.asarray(Image.open(out / "frames" / f"{t:05d}.png")), image)
        assert np.abs(frame.astype(int) - image).mean() < 12


def test_boxes_are_tight(clip: tuple[Path, Scene]) -> None:
    out, scene = clip
    entries = read_prompts(out / "prompts.json")
    assert entries
    for frame, object_id, name, box in entries:
        labels = scene.render(frame)[1]
        mask = labels == object_id
        x0, y0, x1, y1 = (round(n) for n in (box.x0, box.y0, box.x1, box.y1))
        assert mask[y0:y1, x0:x1].sum() == mask.sum() >= 0.002 * mask.size
        assert all(edge.any() for edge in (mask[y0], mask[y1 - 1], mask[:, x0], mask[:, x1 - 1]))
        assert name == scene.objects[object_id - 1].name


def test_an_object_that_comes_later_is_pointed_at_when_it_comes(tmp_path: Path) -> None:
    scene = Scene(20, 64, 8, kind="generic", tempo=2.0)
    areas = np.stack([np.bincount(scene.render(t)[1].ravel(), minlength=256) for t in range(8)]) / 64**2
    expected = {o.id: int(np.argmax(areas[:, o.id] >= 0.002)) for o in scene.objects if areas[:, o.id].max() >= 0.002}
    write_clip(scene, tmp_path / "clip")
    found = {e.object_id: e.frame for e in read_prompts(tmp_path / "clip" / "prompts.json")}
    assert found == expected
    assert max(expected.values()) > 0


def test_clicks_are_inside_and_mask_prompts_are_the_masks(tmp_path: Path) -> None:
    scene = Scene(4, 64, 1, kind="robotic")
    labels = scene.render(0)[1]
    write_clip(scene, tmp_path / "points", prompt="points")
    for _, object_id, _, click in read_prompts(tmp_path / "points" / "prompts.json"):
        ((x, y),) = click.coords
        assert labels[int(y), int(x)] == object_id
        assert click.labels == (1,)
    write_clip(scene, tmp_path / "masks", prompt="mask")
    for _, object_id, _, mask in read_prompts(tmp_path / "masks" / "prompts.json"):
        np.testing.assert_array_equal(mask.array, labels == object_id)


def test_a_used_folder_is_left_alone(clip: tuple[Path, Scene]) -> None:
    out, scene = clip
    with pytest.raises(OutputError, match="is not empty; name a new folder"):
        write_clip(scene, out)
    with pytest.raises(OutputError, match=r"scene\.json is a file, not a folder; choose another --out"):
        write_clip(scene, out / "scene.json")


def test_the_verb_writes_what_it_says(tmp_path: Path) -> None:
    out = tmp_path / "clip"
    options = ["--seed", "9", "--length", "3", "--size", "48", "--kind", "colonoscopy", "--json"]
    result = CliRunner().invoke(app, ["synth", str(out), *options])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    made = json.loads((out / "scene.json").read_text())
    assert said["objects"] == made["objects"]
    assert (made["seed"], made["kind"], made["length"]) == (9, "colonoscopy", 3)
    again = Scene(
        made["seed"], made["size"], made["length"], kind=made["kind"], tempo=made["tempo"], drift=made["drift"]
    )
    np.testing.assert_array_equal(read_label_map(out / "masks" / "00002.png"), again.render(2)[1])
