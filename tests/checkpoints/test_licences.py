"""Terms of what was made of several things."""

import pytest

from sam2s.checkpoints import UNSTATED, combine_licences, state_licence


@pytest.mark.parametrize(
    ("terms", "combined"),
    [
        (("Apache-2.0",), "Apache-2.0"),
        (("CC BY-NC-SA 4.0", "Apache-2.0"), "Apache-2.0 and CC BY-NC-SA 4.0"),
        (("Apache-2.0 and MIT", "MIT"), "Apache-2.0 and MIT"),
        (("Apache-2.0", ""), f"Apache-2.0 and {UNSTATED}"),
        (("", ""), UNSTATED),
        (("CC0-1.0", "Apache-2.0", "public domain"), "Apache-2.0"),
        (("CC0-1.0",), "CC0-1.0"),
        ((f"Apache-2.0 and {UNSTATED}", "CC0"), f"Apache-2.0 and {UNSTATED}"),
    ],
)
def test_terms_of_all_parts_hold_each_once(terms, combined):
    assert combine_licences(*terms) == combined
    assert combine_licences(*reversed(terms)) == combined
    assert combine_licences(combined, *terms) == combined


@pytest.mark.parametrize(
    ("stated", "said", "whole"),
    [
        ("", "CC0", "CC0"),
        ("CC0", "CC0", "CC0"),
        ("CC0", "mine", ""),
        (UNSTATED, "hospital use only", "hospital use only"),
        (f"Apache-2.0 and {UNSTATED}", "hospital use only", "Apache-2.0 and hospital use only"),
        ("Apache-2.0 and CC BY-NC 4.0", "Apache-2.0", ""),
    ],
)
def test_only_what_nobody_stated_can_be_stated(stated, said, whole):
    assert state_licence(stated, said) == whole
