"""The SA-SV benchmark: adapters, build, verify, statistics, splits."""
