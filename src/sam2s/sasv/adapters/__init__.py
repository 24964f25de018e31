"""One file per source dataset; see `sam2s.sasv.raw` for what it must offer."""
