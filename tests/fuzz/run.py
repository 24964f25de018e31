"""Give the package damaged inputs by the thousand: `python tests/fuzz/run.py --seconds 600`.

Every case is drawn from its kind and number alone, so that `--kind videos --case 1234` repeats it. Cases run in child
processes of bounded memory; one that dies or takes over a minute is a finding like one that ends in a traceback, and a
fresh process goes on behind it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

HANG_SECONDS = 60
MEMORY_BYTES = 4 << 30


@dataclass
class Tally:
    """What came out of the cases of a kind."""

    kind: str
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, object]] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        """How many were run."""
        return sum(self.outcomes.values()) + len(self.findings)


def run_case(kind: str, number: int) -> str:
    """Run one case in this process: what it answered, or the error that nobody should see."""
    from fuzz.kinds import KINDS

    folder = Path(tempfile.mkdtemp(prefix="sam2s-fuzz-"))
    try:
        return KINDS[kind](random.Random(f"{kind} {number}"), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _work(kind: str, numbers: range, answers: Connection) -> None:
    import logging
    import warnings

    logging.disable()
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries in C complain there
    with suppress(Exception):
        run_case(kind, -1)  # what is imported and made once counts neither as time nor as memory
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, held + MEMORY_BYTES))
    for number in numbers:
        answers.send((number, None))
        try:
            answers.send((number, run_case(kind, number)))
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = [f for f in frames if "sam2s" in f.filename and "tests" not in f.filename] or frames
            said = f"{type(error).__name__}: {str(error)[:200]}"
            at = f"{'/'.join(Path(ours[-1].filename).parts[-2:])}:{ours[-1].lineno}"
            answers.send((number, {"error": said, "at": at}))


def fuzz(kind: str, first: int, seconds: float, cases: int | None) -> Tally:
    """Run cases of a kind until the time is over or their number is reached."""
    tally, number, start = Tally(kind), first, time.monotonic()
    last = first + (cases or 10**9)
    context = multiprocessing.get_context("fork")
    while number < last and time.monotonic() < start + seconds:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_work, args=(kind, range(number, last), theirs), daemon=True)
        child.start()
        theirs.close()
        number = _follow(tally, ours, number, start + seconds)
        child.kill()
        child.join()
    tally.seconds = time.monotonic() - start
    return tally


def _follow(tally: Tally, answers: Connection, number: int, end: float) -> int:
    """Count what a child answers; the number of the case to go on with."""
    begun, running = time.monotonic(), False
    while time.monotonic() < end:
        try:
            if not answers.poll(HANG_SECONDS):
                tally.findings.append({"case": number, "error": f"no end after {HANG_SECONDS} s", "at": "?"})
                return number + 1
            number, answer = answers.recv()
        except EOFError:
            if running:
                tally.findings.append({"case": number, "error": "the process died", "at": "?"})
            return number + 1
        if answer is None:
            begun, running = time.monotonic(), True
            continue
        running = False
        tally.slowest = max(tally.slowest, time.monotonic() - begun)
        if isinstance(answer, str):
            tally.outcomes[answer] += 1
        else:
            tally.findings.append({"case": number, **answer})
        number += 1
    return number


def main() -> int:
    """Read the flags, run, print a table; status 1 if there is a finding."""
    from fuzz.kinds import KINDS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600, help="for all kinds together")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="by default all")
    parser.add_argument("--cases", type=int, help="of each kind, at most")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run this one alone, in this process, with its traceback")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    kinds = given.kind or list(KINDS)
    if given.case is not None:
        print(run_case(kinds[0], given.case))
        return 0
    tallies = []
    for kind in kinds:
        tallies.append(tally := fuzz(kind, given.first, given.seconds / len(kinds), given.cases))
        print(
            f"{kind:<12} {tally.cases:>6} cases {tally.outcomes['result']:>6} results {tally.outcomes['message']:>6} "
            f"messages {len(tally.findings):>4} findings {tally.seconds:>6.0f} s, slowest {tally.slowest:.1f} s",
            file=sys.stderr if given.json else sys.stdout,
            flush=True,
        )
        for finding in tally.findings[:20] if not given.json else ():
            print(f"    --kind {kind} --case {finding['case']}: {finding['error']} ({finding['at']})")
    if given.json:
        rows = [
            {"kind": t.kind, "cases": t.cases, **t.outcomes, "findings": t.findings, "slowest": t.slowest}
            for t in tallies
        ]
        print(json.dumps(rows, indent=2))
    return int(any(tally.findings for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
