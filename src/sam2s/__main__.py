"""`python -m sam2s` is `sam2s`."""

from sam2s.cli import main

main()
