"""Paths with fields in braces."""

from sam2s.sasv.path_template import PathTemplate


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(template, folder):
    return [(path.relative_to(folder).as_posix(), fields) for path, fields in PathTemplate(template).matches(folder)]


def test_fields_have_the_values_of_what_matches(tmp_path):
    touch(tmp_path, "a/frame_7.png", "b/frame_8.png", "b/other_9.png", "b/frame_x.png")
    assert found("{video}/frame_{frame}.png", tmp_path) == [
        ("a/frame_7.png", {"video": "a", "frame": "7"}),
        ("b/frame_8.png", {"video": "b", "frame": "8"}),
    ]
    assert PathTemplate("{video}/frame_{frame}.png").fields == {"video", "frame"}


def test_numbers_order_as_numbers(tmp_path):
    touch(tmp_path, *(f"v{v}/{frame}.png" for v in (10, 9) for frame in (100, 99, 5)))
    assert [path for path, _ in found("{video}/{frame}.png", tmp_path)] == [
        *(f"v9/{frame}.png" for frame in (5, 99, 100)),
        *(f"v10/{frame}.png" for frame in (5, 99, 100)),
    ]


def test_a_field_does_not_cross_folders_and_is_not_empty(tmp_path):
    touch(tmp_path, "a/b/1.png", "a/2.png", "_3.png", "c_4.png")
    assert [path for path, _ in found("{video}/{frame}.png", tmp_path)] == ["a/2.png"]
    assert [path for path, _ in found("{video}_{frame}.png", tmp_path)] == ["c_4.png"]


def test_a_field_that_comes_twice_has_one_value(tmp_path):
    touch(tmp_path, "a/a_1.png", "a/b_2.png")
    assert [path for path, _ in found("{video}/{video}_{frame}.png", tmp_path)] == ["a/a_1.png"]


def test_signs_of_patterns_are_taken_as_they_are(tmp_path):
    touch(tmp_path, "a[1]/1.png", "a1/2.png", "x.y/3.png", "xzy/4.png")
    assert [path for path, _ in found("a[1]/{frame}.png", tmp_path)] == ["a[1]/1.png"]
    assert [path for path, _ in found("x.y/{frame}.png", tmp_path)] == ["x.y/3.png"]


def test_fields_are_filled_in_as_far_as_they_are_known():
    template = PathTemplate("{video}/{object}/{frame}.png")
    assert template.fill({"video": "a", "frame": "3"}) == PathTemplate("a/{object}/3.png")
