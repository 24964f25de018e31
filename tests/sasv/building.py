"""Building a set in a test, in this process."""

from sam2s.sasv.build import run_build
from sam2s.sasv.plan import BuildOptions, plan_build


def build(root, out, *, sources=(), partial=True, **options):
    """Outcomes by id; options are those of `BuildOptions`. Copies that are drawn for tests are partial."""
    plan = plan_build(root, out, sources=sources, options=BuildOptions(partial=partial, **options))
    return {outcome.id: outcome for outcome in run_build(plan, out)}
