"""Every form on disk gives the same kind of video; nothing is read that a clip does not hold."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
from sam2s.sasv.masklets import LabelState
from sam2s.sasv.splits import write_split
from sam2s.synth import Scene
from sam2s.training.data import Augmentation, ClipSettings, ClipStream, SourceSettings, open_source
from sam2s.training.data.clip import cut_clip
from sam2s.training.data.noise import NoisyVideo
from sam2s.training.data.opening import find_entries, held_out_entries, training_entries
from sam2s.training.data.scenes import FIRST_SEED, SceneVideo
from sam2s.training.data.video import Shelf
from sam2s.training.plan import missing_inputs
from sam2s.training.recipe import load_recipe
from synth_tools import disc_rgba

STILL = Augmentation(flip=0, rotation=0, shear=0, colour=(0, 0, 0), grey=0, frame_colour=(0, 0, 0))
PLAIN = ClipSettings(size=64, augmentation=STILL)
NOTHING = np.zeros(SIZE, bool)


def rng(seed=0):
    return np.random.default_rng(seed)


def read(root, name, **options):
    return next(entry for entry in find_entries(root, **options) if entry.name == name).read()


def cut(video, *, frames=8, dive=False, seed=0, names=("hook",), settings=PLAIN):
    return cut_clip(video, settings, names, rng(seed), frames=frames, dive=dive)


class TestBuiltSet:
    @pytest.fixture
    def root(self, tmp_path, add_video, discs):
        """Object 1 is seen throughout; 2 is seen, absent, unknown by turns; 3 is on the unknown frames alone."""
        two = [(disc(40, 30, 6), NOTHING, None)[t % 3] for t in range(12)]
        add_video(tmp_path, "a/x", {1: discs(12), 2: two, 3: [None] * 12}, categories={2: "grasper"})
        add_video(tmp_path, "a/short", {1: discs(3)})
        add_video(tmp_path, "a/image", {1: discs(1)})
        add_video(tmp_path, "a/held", {1: discs(4)}, split="test")
        return tmp_path

    def test_three_states(self, root):
        video = read(root, "a/x")
        assert video.video.objects[1].state(2) is LabelState.NOT_ANNOTATED
        assert list(video.cover(0)) == [1, 2]
        assert list(video.cover(1)) == [1]
        assert list(video.masks(1, [1, 2])) == [1, 2]
        assert not video.masks(1, [2])[2].any()
        assert list(video.masks(2, [1, 2])) == [1]

        clips = (cut(video, seed=seed, names=("grasper", "hook")) for seed in range(50))
        clip = next(clip for clip in clips if len(clip.masks) == 2)
        rows = {int(c): i for i, c in enumerate(clip.category)}
        turns = clip.times % 3
        assert clip.known[rows[1]].all()
        assert torch.equal(clip.known[rows[0]], turns != 2)
        assert torch.equal(clip.masks[rows[0]].flatten(1).any(1), turns == 0)

    def test_masks_are_those_of_the_set(self, root):
        video = read(root, "a/x")
        clip = cut(video, settings=ClipSettings(size=48, augmentation=STILL, objects=1))
        for mask, time in zip(clip.masks[0], clip.times.tolist(), strict=True):
            if clip.category[0] == 0:
                wide = np.asarray(Image.fromarray(disc(12 + time, 20, 8)).resize((48, 48), Image.Resampling.NEAREST))
                assert (mask.numpy() != wide).mean() < 0.02

    def test_only_what_is_used_is_read(self, root, reads):
        clip = cut(read(root, "a/x"), dive=True, settings=ClipSettings(size=64, objects=1))
        times = sorted(set(clip.times.tolist()))
        assert sorted(name for name in reads if name.startswith("frames")) == [f"frames/{t:05d}.png" for t in times]
        masks = [name for name in reads if name.startswith("masks")]
        assert len(masks) == len(set(masks))
        assert set(masks) <= {f"masks/{t:05d}.png" for t in times}

    def test_absence_costs_no_read(self, root, reads):
        assert not read(root, "a/x").masks(1, [2])[2].any()
        assert reads == []

    def test_splits_pictures_and_weights(self, root):
        train = open_source(SourceSettings(place=str(root), cap=10), size=64)
        assert {entry.name for entry in train.entries} == {"a/x", "a/short", "a/image"}
        assert train.clips(pictures=False) == 10 + 3
        assert train.clips(pictures=True) == 1
        drawn = [train.draw(rng(i), pictures=False).name for i in range(200)]
        assert set(drawn) == {"a/x", "a/short"}
        assert 0.6 < drawn.count("a/x") / 200 < 0.9
        assert train.draw(rng(), pictures=True).name == "a/image"

    def test_a_short_video_is_played_back_and_forth(self, root, reads):
        clip = cut(read(root, "a/short"))
        assert set(np.abs(np.diff(clip.times)).tolist()) == {1}
        assert len(clip.times) == 8
        assert len([name for name in reads if name.startswith("frames")]) == 3, "each frame is read once"
        for t in range(3):
            same = clip.images[clip.times == t]
            assert torch.equal(same, same[:1].expand_as(same))

    def test_no_such_split(self, root):
        with pytest.raises(DatasetError, match="no videos of split val; its splits are test, train"):
            open_source(SourceSettings(place=str(root), split="val"), size=64)

    def test_a_missing_file_is_named(self, root):
        (root / "videos/a/short/frames/00001.png").unlink()
        with pytest.raises(DatasetError, match=r"00001\.png"):
            cut(read(root, "a/short"))
        assert [found.frame for found in read(root, "a/short").problems()] == [1]


class TestDavis:
    def test_videos_and_pictures(self, davis):
        counts = {entry.name: entry.frames for entry in find_entries(davis)}
        assert counts == {"long": 12, "sparse": 3, "single": 1}

    def test_only_annotated_frames(self, davis):
        clip = cut(read(davis, "sparse"))
        assert set(clip.times.tolist()) == {0, 3, 6}
        assert clip.known.all()
        assert (clip.category == -1).all()

    def test_only_what_is_used_is_read(self, davis, reads):
        clip = cut(read(davis, "long"), frames=5)
        times = sorted(set(clip.times.tolist()))
        assert sorted(reads) == sorted(f"long/{t:05d}.{kind}" for t in times for kind in ("jpg", "png"))

    def test_lists_of_splits(self, davis):
        lists = davis / "ImageSets" / "2017"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("long\nsingle\n")
        (lists / "val.txt").write_text("sparse\n")
        assert [entry.name for entry in find_entries(davis, split="val")] == ["sparse"]
        assert len(find_entries(davis)) == 3
        (mine,) = load_recipe("your-data", data=[str(davis)]).data.sources
        assert [entry.name for entry in open_source(mine, size=64).entries] == ["long", "single"]
        with pytest.raises(DatasetError, match="has no split test; its splits are train, val"):
            find_entries(davis, split="test")

    def test_folders_of_splits_and_categories(self, davis, tmp_path):
        home = tmp_path / "ytvos"
        home.mkdir()
        (davis / "Annotations" / "480p").rename(davis / "a")
        (davis / "JPEGImages" / "480p").rename(davis / "j")
        for kind, short in (("Annotations", "a"), ("JPEGImages", "j")):
            (davis / kind).rmdir()
            (davis / short).rename(davis / kind)
        davis.rename(home / "train")
        meta = {"videos": {"long": {"objects": {"1": {"category": "hook"}, "2": {"category": "liver"}}}}}
        (home / "train" / "meta.json").write_text(json.dumps(meta))
        clip = cut(read(home, "long", split="train"), names=("grasper", "hook"))
        assert sorted(clip.category.tolist()) == [-1, 1]
        with pytest.raises(DatasetError, match="has no split valid; its splits are train"):
            find_entries(home, split="valid")
        shutil.copytree(home / "train", home / "valid")
        (home / "valid" / "meta.json").unlink()
        names = [f"{split}/{name}" for split in ("train", "valid") for name in ("long", "single", "sparse")]
        assert [entry.name for entry in find_entries(home)] == names
        assert [read(home, f"{split}/long").category(1) for split in ("train", "valid")] == ["hook", None]

    def test_videos_of_one_name(self, davis):
        for kind in ("JPEGImages", "Annotations"):
            shutil.copytree(davis / kind / "480p/long", davis / kind / "Full-Resolution/long")
        with pytest.raises(DatasetError, match=r"480p/long and .*Full-Resolution/long have one name.*; rename one, or"):
            find_entries(davis)

    def test_frames_and_masks_side_by_side(self, tmp_path):
        for t in range(2):
            save(tmp_path / f"clip/frames/{t:05d}.png", picture(t))
            save(tmp_path / f"clip/masks/{t:05d}.png", disc(20, 20, 8))
        assert [entry.frames for entry in find_entries(tmp_path)] == [2]
        assert cut(read(tmp_path, "clip")).masks.shape == (1, 8, 64, 64)

    def test_a_mask_of_another_size(self, davis):
        save(davis / "Annotations/480p/long/00003.png", np.zeros((10, 10), np.uint8))
        assert [(f.frame, f.text) for f in read(davis, "long").problems()] == [
            (3, "the mask is 10x10, the picture 64x48")
        ]
        with pytest.raises(DatasetError, match="long frame 3: the mask is 10x10, the picture 64x48"):
            cut(read(davis, "long"), frames=12)


class TestSav:
    def test_annotated_frames_alone(self, sav):
        (entry,) = find_entries(sav)
        assert entry.frames == 5
        clip = cut(entry.read())
        assert set(clip.times.tolist()) <= {0, 4, 8, 12, 16}
        assert torch.equal(clip.masks[0].flatten(1).any(1), clip.times != 8)
        pixels = clip.images[:, 0].mean((1, 2)) * 0.229 + 0.485
        assert torch.allclose(pixels, 12 * clip.times / 255, atol=0.02), "the right frames of the film"

    def test_automatic_masklets(self, sav):
        video = read(sav, "sav_000001", auto=True)
        assert list(video.cover(0)) == [1]
        assert list(video.cover(4)) == [1, 2]
        assert list(video.masks(0, [1, 2])) == [1], "a column of None is not annotated"
        assert list(video.problems()) == []

    @pytest.mark.parametrize("every", [1, 4])
    def test_pictures_in_place_of_the_film(self, sav, reads, every):
        (sav / "sav_000/sav_000001.mp4").unlink()
        for t in range(0, 17, every):
            save(sav / f"sav_000/sav_000001/{t:05d}.png", np.full((*SIZE, 3), 12 * t, np.uint8))
        clip = cut(read(sav, "sav_000001"), frames=3)
        assert len(reads) == 3
        shade = (clip.images[:, 0].mean((1, 2)) * 0.229 + 0.485) * 255 / 12
        assert torch.allclose(shade * (every if every == 1 else 1 / 4), clip.times.float(), atol=0.1)

    def test_too_few_pictures(self, sav):
        for t in range(9):
            save(sav / f"sav_000/sav_000001/{t:05d}.png", picture(t))
        with pytest.raises(DatasetError, match="holds 9 pictures, frame 16 is annotated"):
            cut(read(sav, "sav_000001"))
        assert [one.kind for one in read(sav, "sav_000001").problems()] == ["file"]

    def test_a_missing_film(self, sav):
        (sav / "sav_000/sav_000001.mp4").unlink()
        with pytest.raises(DatasetError, match="cannot read the frames of sav_000001"):
            cut(read(sav, "sav_000001"))
        assert len(list(read(sav, "sav_000001").problems())) == 1

    def test_damaged_masklets(self, sav):
        Path(sav / "sav_000/sav_000001_manual.json").write_text("{")
        with pytest.raises(DatasetError, match="cannot read masklets"):
            cut(find_entries(sav)[0].read())
        rows = [[{"size": list(SIZE), "counts": "???"}]]
        Path(sav / "sav_000/sav_000001_manual.json").write_text(json.dumps({"masklet": rows}))
        with pytest.raises(DatasetError, match=r"sav_000001 frame 0: damaged RLE.*download its JSON again"):
            cut(find_entries(sav)[0].read())


def crowded():
    """A scene that shows several objects on its first frame, one of them large."""
    videos = (SceneVideo(Scene(seed, 64, 40, kind="laparoscopy")) for seed in range(100))
    return next(video for video in videos if len(video.cover(0)) > 1 and max(video.cover(0).values()) > 0.2)


class TestSavMasks:
    @pytest.fixture
    def root(self, tmp_path):
        """Nine frames, each fourth annotated; object 1 is always seen, object 3 on the last of them alone."""
        for t in range(9):
            save(tmp_path / f"JPEGImages_24fps/v/{t:05d}.jpg", picture(t))
        for i, frames in ((0, (0, 4, 8)), (2, (8,))):
            for t in frames:
                save(tmp_path / f"Annotations_6fps/v/{i:03d}/{t:05d}.png", disc(12 + t, 20, 8))
        return tmp_path

    def test_objects_in_folders(self, root):
        (entry,) = find_entries(root)
        video = entry.read()
        assert entry.frames == 3
        assert video.frames == (0, 4, 8)
        assert [list(video.cover(t)) for t in video.frames] == [[1], [1], [1, 3]]
        assert not video.masks(4, [3])[3].any(), "a mask that is missing is an empty one"
        assert np.array_equal(video.masks(4, [1])[1], disc(16, 20, 8))
        assert set(cut(video).times.tolist()) == {0, 4, 8}
        assert list(video.problems()) == []

    def test_faults(self, root):
        save(root / "Annotations_6fps/v/000/00004.png", np.zeros((10, 10), np.uint8))
        save(root / "Annotations_6fps/v/002/00005.png", disc(12, 20, 8))
        kinds = {(one.kind, one.frame) for one in read(root, "v").problems()}
        assert kinds == {("size", 4), ("file", None)}


class TestScenes:
    def test_endless_and_apart_from_evaluation(self):
        source = open_source(SourceSettings(place="synthetic", length=30), size=64)
        seeds = {source.draw(rng(i), pictures=False).scene.seed for i in range(20)}
        assert len(seeds) == 20
        assert min(seeds) >= FIRST_SEED

    def test_categories_and_masks(self):
        video = SceneVideo(Scene(5, 64, 10, kind="laparoscopy"))
        clip = cut(video, names=[o.name for o in video.scene.objects], settings=PLAIN)
        names = [o.name for o in video.scene.objects]
        labels = video.scene.render(int(clip.times[0]))[1]
        for mask, row in zip(clip.masks, clip.category.tolist(), strict=True):
            found = set(np.unique(labels[mask[0].numpy()]))
            assert {names[i - 1] for i in found} == {names[row]}

    def test_two_taken_for_one(self):
        settings = ClipSettings(size=64, augmentation=STILL, merge=1.0, objects=1)
        video = crowded()
        clips = (cut(video, settings=settings, seed=seed) for seed in range(20))
        found = [len(np.unique(video.scene.render(int(c.times[0]))[1][c.masks[0, 0].numpy()])) for c in clips]
        assert max(found) == 2

    def test_small_objects_are_left_out(self):
        video = crowded()
        for seed in range(5):
            clip = cut(video, seed=seed, settings=ClipSettings(size=64, min_area=0.1, augmentation=STILL))
            assert clip is None or (clip.masks[:, 0].float().mean((1, 2)) >= 0.1).all()


class TestLabelNoise:
    def test_the_same_every_time_and_different_by_frame(self):
        noisy = NoisyVideo(crowded(), jitter=0.03, missed=0.3, missed_as="absent")
        ids = [o.id for o in noisy.video.scene.objects]
        wrong = missed = seen = 0
        for t in range(40):
            truth, masks = noisy.video.masks(t, ids), noisy.masks(t, ids)
            again = noisy.masks(t, ids)
            assert all(np.array_equal(masks[i], again[i]) for i in ids)
            for i in noisy.video.cover(t):
                seen += 1
                missed += not masks[i].any()
                wrong += (masks[i] != truth[i]).any() and masks[i].any()
                assert (i in noisy.cover(t)) == masks[i].any() or truth[i].sum() < 20
        assert 0.2 < missed / seen < 0.4
        assert wrong > 0.5 * seen

    def test_what_nobody_drew_is_unknown_unless_it_shall_count_as_absent(self):
        video = crowded()
        ids = [o.id for o in video.scene.objects]
        unknown, absent = (NoisyVideo(video, missed=0.3, missed_as=how) for how in ("unknown", "absent"))
        left_out = 0
        for t in range(20):
            truth, without, empty = video.masks(t, ids), unknown.masks(t, ids), absent.masks(t, ids)
            assert without.keys() <= empty.keys() == truth.keys()
            for i in truth.keys() - without.keys():
                left_out += 1
                assert truth[i].any(), "where there is nothing to draw, nothing is missed"
                assert not empty[i].any()
        assert left_out > 10
        source = open_source(SourceSettings(place="synthetic", length=40, missed=0.4, kind="robotic"), size=64)
        stream = ClipStream([source], ClipSettings(size=64, picture_share=0.0, objects=3), seed=1)
        batches = [stream.batch(number) for number in range(6)]
        assert not torch.cat([batch.known.flatten() for batch in batches]).all()

    def test_outlines_move_a_little(self):
        video = crowded()
        noisy, one = NoisyVideo(video, jitter=0.02), max(video.cover(0), key=video.cover(0).get)
        truth, mask = video.masks(0, [one])[one], noisy.masks(0, [one])[one]
        overlap = (truth & mask).sum() / (truth | mask).sum()
        assert 0.6 < overlap < 0.99

    def test_shares_only(self):
        with pytest.raises(ConfigError, match=r"missed is 1\.5; it must be at least 0 and below 1"):
            open_source(SourceSettings(place="synthetic", missed=1.5), size=64)


def test_no_folder():
    with pytest.raises(ConfigError, match="nowhere is not a folder"):
        open_source(SourceSettings(place="nowhere"), size=64)


def test_nothing_annotated():
    with pytest.raises(DatasetError, match="void holds no annotated frame"):
        Shelf("void", ())


class TestCutouts:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "cut" / "hook").mkdir(parents=True)
        Image.fromarray(disc_rgba(90, 40)).save(tmp_path / "cut" / "hook" / "disc.png")
        return tmp_path / "cut"

    def test_clips_and_pictures_come_from_ever_new_scenes(self, folder):
        source = open_source(SourceSettings(place="cutouts", folder=str(folder)), size=64)
        videos = [source.draw(rng(seed), pictures=pictures) for seed in range(2) for pictures in (False, True)]
        assert len({video.name for video in videos}) == 2
        assert source.clips(pictures=True) == source.clips(pictures=False) > 0
        clips = [clip for seed in range(6) if (clip := cut(source.draw(rng(seed), pictures=False), seed=seed))]
        assert len(clips) >= 4
        assert {row for clip in clips for row in clip.category.tolist()} == {0, -1}, "hook, and objects of no name"

    def test_seeds_are_not_those_of_evaluation(self, folder):
        source = open_source(SourceSettings(place="cutouts", folder=str(folder)), size=64)
        assert source.draw(rng(), pictures=False).scene.seed >= FIRST_SEED

    def test_settings_that_do_not_go_together(self, folder):
        with pytest.raises(ConfigError, match="place is cutouts, but no folder is named"):
            SourceSettings(place="cutouts")
        with pytest.raises(ConfigError, match="folder and photos go with place: cutouts alone"):
            SourceSettings(place="synthetic", photos=str(folder))

    def test_what_a_recipe_lacks_is_said_before_it_begins(self, folder):
        recipe = load_recipe("micro-cutouts", [f"data.sources.1.folder={folder}"])
        assert missing_inputs(recipe) == ["data photos: there is no such folder; build it, or name yours with --data"]


class TestHeldOut:
    def test_the_end_of_each_video_is_left_out(self, davis):
        whole = {entry.name: list(entry.read().frames) for entry in find_entries(davis)}
        settings = SourceSettings(place=str(davis), hold_out=0.25)
        first = {entry.name: list(entry.read().frames) for entry in training_entries(settings)}
        last = {entry.name: list(entry.read().frames) for entry in held_out_entries(settings, "val")}
        assert {name: first[name] + last[name] for name in last} == {"long": whole["long"]}
        assert first["sparse"] == whole["sparse"][:2], (
            "one frame is too few to validate on, and is left out all the same"
        )
        assert (len(first["long"]), len(last["long"]), len(first["single"])) == (9, 3, 1)
        assert all(entry.frames == len(entry.read().frames) for entry in training_entries(settings))
        source = open_source(settings, size=64)
        drawn = [source.draw(rng(i), pictures=False) for i in range(20)]
        assert max(max(video.frames) for video in drawn) < 9

    def test_a_split_file_divides_a_built_set(self, tmp_path, add_video, discs):
        for name in ("a/x", "a/y", "a/z"):
            add_video(tmp_path, name, {1: discs(4)})
        file = tmp_path / "split.json"
        write_split(file, "mine", 1, {"a/x": "train", "a/y": "val", "a/z": "test"})
        settings = SourceSettings(place=str(tmp_path), split_file=str(file))
        assert [entry.name for entry in training_entries(settings)] == ["a/x"]
        assert [entry.name for entry in held_out_entries(settings, "val")] == ["a/y"]
        add_video(tmp_path, "a/new", {1: discs(4)})
        with pytest.raises(DatasetError, match=r"split\.json leaves out 1 videos of this set, such as a/new"):
            training_entries(settings)

    def test_a_split_file_for_another_form(self, davis, tmp_path):
        with pytest.raises(ConfigError, match=r"is not a built set, so .* does not divide it"):
            training_entries(SourceSettings(place=str(davis), split_file=str(tmp_path / "x.json")))


class TestPictures:
    def test_pictures_are_upright_as_in_tracking(self, davis):
        path = davis / "JPEGImages/480p/sparse/00000.jpg"
        with Image.open(path) as image:
            pixels = np.asarray(image).copy()
        exif = Image.Exif()
        exif[0x0112] = 3  # upside down
        Image.fromarray(pixels).save(path, quality=95, exif=exif)
        (turned,) = read(davis, "sparse").images([0])
        assert np.abs(turned.astype(int) - pixels[::-1, ::-1]).mean() < 3

    def test_deep_pictures_are_brought_to_eight_bits_by_one_depth_for_the_video(self, tmp_path):
        for t, white in enumerate((4095, 2000)):
            save(tmp_path / f"v/frames/{t:05}.png", np.full(SIZE, white, np.uint16))
            save(tmp_path / f"v/masks/{t:05}.png", disc(20, 20, 8).astype(np.uint8))
        images = read(tmp_path, "v").images([0, 1])
        assert [int(image.max()) for image in images] == [255, round(2000 / 4095 * 255)]

    @pytest.mark.parametrize("suffix", [".tif", ".bmp", ".webp", ".PNG"])
    def test_pictures_of_any_ending(self, tmp_path, suffix):
        for t in range(3):
            for kind, array in (("JPEGImages", picture(t)), ("Annotations", disc(20, 20, 8).astype(np.uint8))):
                (tmp_path / kind / "v").mkdir(parents=True, exist_ok=True)
                options = {"lossless": True} if suffix == ".webp" else {}
                Image.fromarray(array).save(tmp_path / f"{kind}/v/{t:05}{suffix}", **options)
        video = read(tmp_path, "v")
        assert list(video.frames) == [0, 1, 2]
        assert video.images([1])[0].shape == (*SIZE, 3)
        assert video.masks(2, [1])[1].sum() == disc(20, 20, 8).sum()

    def test_masks_saved_as_jpeg_are_one_mask_each(self, tmp_path):
        for t in range(2):
            save(tmp_path / f"JPEGImages/v/{t:05}.jpg", picture(t))
            save(tmp_path / f"Annotations/v/{t:05}.jpg", disc(20, 20, 8).astype(np.uint8) * 255)
        video = read(tmp_path, "v")
        assert list(video.cover(0)) == [255]
        assert (video.masks(0, [255])[255] != disc(20, 20, 8)).mean() < 0.01

    def test_videos_behind_symbolic_links(self, davis, tmp_path):
        for kind in ("JPEGImages", "Annotations"):
            (tmp_path / "linked" / kind).mkdir(parents=True)
            (tmp_path / "linked" / kind / "v").symlink_to(davis / kind / "480p/long")
        (tmp_path / "pairs/w").mkdir(parents=True)
        (tmp_path / "pairs/w/frames").symlink_to(davis / "JPEGImages/480p/long")
        (tmp_path / "pairs/w/masks").symlink_to(davis / "Annotations/480p/long")
        (tmp_path / "far").mkdir()
        (tmp_path / "far/u").symlink_to(tmp_path / "pairs/w")
        for root, name in ((tmp_path / "linked", "v"), (tmp_path / "pairs", "w"), (tmp_path / "far", "u")):
            assert [(entry.name, entry.frames) for entry in find_entries(root)] == [(name, 12)]

    def test_a_davis_folder_without_maps(self, tmp_path):
        for kind in ("JPEGImages", "Annotations"):
            (tmp_path / kind / "v").mkdir(parents=True)
        with pytest.raises(DatasetError, match="has no label map: no folder below Annotations holds pictures"):
            find_entries(tmp_path)
