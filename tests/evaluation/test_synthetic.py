from sam2s.evaluation.synthetic import SyntheticVideo, synthetic


def test_synthetic_clips_are_held_out():
    (clip,) = synthetic(1, length=3, size=32)
    assert clip.seed >= 500_000
    assert clip.objects
    assert clip.source.length == 3
    assert all((mask.mean() >= 0.01) for mask in clip.truth(0).values())


def test_clips_show_what_they_say():
    clips = synthetic(3, length=2, size=32)
    assert len({clip.name for clip in clips}) == 3
    for clip in clips:
        assert clip.columns == {"synthetic"}
        assert clip.stems == ("00000", "00001")
        assert clip.objects.keys() == clip.categories.keys() == clip.truth(1).keys()
        assert clip.void(0) is None
        assert clip.source.frame(1).image.shape == (32, 32, 3)
        assert clip.fingerprint == SyntheticVideo(clip.seed, 2, 32).fingerprint
        assert clip.fingerprint != SyntheticVideo(clip.seed, 3, 32).fingerprint
