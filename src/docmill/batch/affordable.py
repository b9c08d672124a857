"""Refuses a run whose limits in dollars can't be kept, or leave no room for a single call.

Before anything is spent, with the amount that is needed or the price that is missing. `store`
guards the limits of a run that has begun.
"""

from collections.abc import Iterator

from docmill.batch.foresight import TOOLS_TOKENS, prefix_tokens, sizes, to_read
from docmill.batch.workbench import Ground
from docmill.errors import KeyProblem, SpecError
from docmill.ledger.forecast import KNOWN, Sized
from docmill.plan import BatchPlan, CompiledPipeline
from docmill.spec.agent import ModelChoice
from docmill.spec.load import pipeline_file
from docmill.store.accounts import rounded_up
from docmill.store.history import History

PRICED = ("usd_per_document", "usd_per_run")
BOUND = 2
"""A bound of a prompt's tokens may be so many times the tokens it has."""
SMALL = 2
"""Least tokens of a text whose tokens are estimated: a share of one in so many."""
SERVICE_TOKENS = 1_000


def check_limits(ground: Ground, plan: BatchPlan) -> None:
    """Make sure that the run's limits in dollars can be kept and allow at least one call.

    Raises:
        SpecError: a model has no known price, or the first call could not be made.
    """
    limits = plan.compiled.pipeline.limits
    wanted = to_read(plan)
    if not wanted or all(getattr(limits, name) is None for name in PRICED):
        return
    whole = prefix_tokens(plan.compiled)
    known = sizes(plan.compiled, wanted, History(ground.state.engine))
    smallest = min(known, key=lambda one: (one.tokens + _prefix(one, whole), one.spread))
    problems = [
        problem
        for choice in plan.compiled.agent.models
        for problem in _problems(ground, plan.compiled, choice, smallest)
    ]
    if problems:
        file = pipeline_file(plan.compiled.pipeline.name)
        raise SpecError([ground.loaded.locate(file, problem) for problem in problems])


def _problems(
    ground: Ground, compiled: CompiledPipeline, choice: ModelChoice, smallest: Sized
) -> Iterator[KeyProblem]:
    limits = compiled.pipeline.limits
    set_limits = [name for name in PRICED if getattr(limits, name) is not None]
    sure = smallest.tokens // SMALL if smallest.spread <= KNOWN else 0
    prefix = _prefix(smallest, prefix_tokens(compiled))
    least = ground.prices.worst_case(
        choice.id,
        input_tokens=(prefix - TOOLS_TOKENS) // SMALL + sure,
        max_output_tokens=limits.output_tokens,
        batch=compiled.pipeline.mode == "batch",
        speed=choice.speed,
    )
    enough = ground.prices.worst_case(
        choice.id,
        input_tokens=BOUND * (prefix + smallest.tokens) + SERVICE_TOKENS,
        max_output_tokens=limits.output_tokens,
        speed=choice.speed,
    )
    if least is None or enough is None:
        message = f"the model `{choice.id}` has no known price, so the limit can't be kept"
        yield KeyProblem(("limits", set_limits[0]), message, _price_remedy(ground, choice))
        return
    for name in set_limits:
        limit = getattr(limits, name)
        if limit < least:
            yield KeyProblem(
                ("limits", name),
                f"{limit} is too small for one call of `{choice.id}`, which could cost "
                f"${rounded_up(enough)}",
                f"set it to at least {rounded_up(enough)}, or lower `limits.output_tokens` "
                f"({limits.output_tokens})",
            )


def _prefix(one: Sized, whole: int) -> int:
    return whole if one.prefix is None else one.prefix


def _price_remedy(ground: Ground, choice: ModelChoice) -> str:
    own = ground.loaded.workspace.config.prices
    name = f"{choice.id}:fast" if choice.speed == "fast" else choice.id
    line = f"`{name}: {{input: 0, output: 0}}`"
    if own:
        return f"add its USD per million tokens to `models:` in {own}: {line}"
    return (
        f"write prices.yaml with `as_of:` and `models:`, in it {line} with its USD per million "
        "tokens, and `prices: prices.yaml` in docmill.yaml"
    )
