"""Pictures before and after: the right frames, masks in the right panels."""

import numpy as np
from PIL import Image

from sam2s.checkpoints import load_checkpoint
from sam2s.evaluation.datasets import open_videos
from sam2s.synth import Scene
from sam2s.synth.export import write_clip
from sam2s.teaching.accepted_set import write_accepted_set
from sam2s.teaching.pictures import CAPTION_HEIGHT, PANEL_WIDTH, side_by_side, write_pictures
from teaching_tools import make_workspace


def test_each_panel_shows_its_own_masks():
    image = np.full((60, 80, 3), 90, np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    sheet = np.asarray(side_by_side(image, [{1: mask}, {}, {1: ~mask}]))
    height = round(60 * PANEL_WIDTH / 80)
    assert sheet.shape == (height + CAPTION_HEIGHT, 3 * PANEL_WIDTH, 3)
    centre = CAPTION_HEIGHT + height // 2
    colours = [sheet[centre, PANEL_WIDTH * place + PANEL_WIDTH // 2] for place in range(3)]
    assert np.ptp(colours[0]) > 30  # tinted
    assert np.abs(colours[1].astype(int) - 90).max() < 3
    assert np.abs(colours[2].astype(int) - 90).max() < 3
    assert np.ptp(sheet[CAPTION_HEIGHT + 8, 2 * PANEL_WIDTH + 20]) > 30


def test_the_middle_and_the_last_frame_are_shown(tmp_path):
    write_clip(Scene(5, 96, 24, kind="robotic", drift=0.0), tmp_path / "clip")
    make_workspace(tmp_path / "w", tmp_path / "clip", [(0, (0, 10)), (0, (12, 21))])
    accepted = write_accepted_set([tmp_path / "w"], tmp_path / "set")
    micro = load_checkpoint("micro")
    videos = open_videos([str(accepted.folder)], split="val")
    told = []
    paths = write_pictures(micro, micro, videos, tmp_path / "p", report_progress=lambda *at: told.append(at))
    assert [path.name for path in paths] == ["w-000012-000016.jpg", "w-000012-000020.jpg"]
    assert told == [("drawing", 0, 1)]
    width = 3 * PANEL_WIDTH
    same = np.asarray(Image.open(paths[0])).astype(int)[CAPTION_HEIGHT:, :width]
    before, after = same[:, PANEL_WIDTH : 2 * PANEL_WIDTH], same[:, 2 * PANEL_WIDTH :]
    assert np.abs(before - after).mean() < 2  # the same weights, apart from JPEG
