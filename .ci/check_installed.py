"""Compare the installed package with the sources of an sdist, whose folder is the argument: nothing may be missing."""

import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import sam2s

sources = Path(sys.argv[1]) / "src/sam2s"
package = Path(sam2s.__file__).parent
assert "site-packages" in package.parts, f"{package} is no installed package"


def files(folder: Path) -> set[str]:
    """Paths of all files below a folder, but for compiled ones."""
    return {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc"}


assert files(sources) == files(package), f"sources and package differ in {files(sources) ^ files(package)}"
assert {"py.typed", "weights/micro.safetensors", "app/static/work.js", "training/recipes/micro.yaml"} <= files(package)
assert version("sam2s") == sam2s.__version__
assert find_spec("torchvision") is None, "torchvision came in with some package; nothing here may need it"
print(f"sam2s {sam2s.__version__}: {len(files(package))} files, as in the sources")
