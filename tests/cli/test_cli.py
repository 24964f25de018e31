"""The command line as a whole: light to start, one line for an error, the right exit status."""

import subprocess
import sys

import pytest

from sam2s import __version__, cli
from sam2s.errors import ConfigError

HEAVY = {"torch", "numpy", "av", "PIL", "scipy", "transformers", "huggingface_hub", "safetensors"}


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_starting_imports_nothing_heavy():
    done = run("-c", "import sys, sam2s, sam2s.cli; print(*sys.modules)")
    assert done.stderr == ""
    assert HEAVY & set(done.stdout.split()) == set()


def test_help_and_version():
    done = run("-m", "sam2s", "--help")
    assert done.returncode == 0
    assert all(verb.name in done.stdout for verb in cli.app.registered_commands)
    assert all(group.name in done.stdout for group in cli.app.registered_groups)
    assert run("-m", "sam2s", "--version").stdout == f"sam2s {__version__}\n"


def test_synth_refuses_odd_sizes(tmp_path):
    done = run("-m", "sam2s", "synth", str(tmp_path / "clip"), "--size", "65")
    assert (done.returncode, done.stderr) == (2, "sam2s: --size 65 is odd, and video needs even sides; give 66\n")


def test_our_errors_are_one_message_and_status_2():
    done = run("-m", "sam2s", "weights", "show", "sam2.1-huge.pt")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("sam2s: there is no file or folder sam2.1-huge.pt; names of weights: micro, ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("error", "status"), [(ConfigError("no"), 2), (KeyboardInterrupt(), 130)])
def test_exit_status(error, status, monkeypatch, capsys):
    def stop():
        raise error

    monkeypatch.setattr("sam2s.checkpoints.registry", stop)
    monkeypatch.setattr(sys, "argv", ["sam2s", "weights", "list"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == status
    assert "Traceback" not in capsys.readouterr().err


def test_warnings_of_ours_are_one_line_and_others_keep_their_place():
    text = "from sam2s.cli import main; import warnings; from sam2s.tracking.thin_masks import ThinMaskWarning\n"
    text += "import sys; sys.argv = ['sam2s', '--version']\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    text += "warnings.warn('too thin', ThinMaskWarning)\nwarnings.warn('strange', RuntimeWarning)\n"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    first, second = done.stderr.splitlines()
    assert first == "warning: too thin"
    assert second.endswith("RuntimeWarning: strange")
