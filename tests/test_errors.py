import re
import tomllib
from pathlib import Path

import sam2s
from sam2s.errors import MissingExtraError, missing_extra

SOURCE = Path(sam2s.__file__).parent
PROJECT = SOURCE.parents[1]


def test_hints_name_extras_that_exist_and_one_way_to_install():
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    code = {path: path.read_text() for path in SOURCE.rglob("*.py")}
    named = [name for text in code.values() for name in re.findall(r'missing_extra\([^)]*, "(\w+)"\)', text)]
    assert len(named) >= 7
    assert set(named) <= extras.keys()
    assert not [path for path, text in code.items() if "sam2s[" in text]
    error = missing_extra("plots need matplotlib", "plot")
    assert isinstance(error, MissingExtraError)
    assert str(error) == "plots need matplotlib; install it in the clone of sam2s with: pip install '.[plot]'"
