"""Teaching: what there is to learn from, a plan, the run, its outcome, and which weights are in use."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from sam2s.app.context import AppContext, Context, Who
from sam2s.app.problems import ApiError
from sam2s.app.teaching.lineage import chosen, with_accepted
from sam2s.app.teaching.shapes import (
    LearnableVideo,
    TaughtItem,
    TeachingPlanInfo,
    TeachingState,
    TeachingTask,
    TeachRequest,
    UseWeightsRequest,
)
from sam2s.errors import DatasetError

router = APIRouter(prefix="/api/teaching", tags=["teach"])


@router.get("")
def teaching(context: Context) -> TeachingState:
    """The weights in use, all that were taught, what there is to learn from, and what is under way."""
    return _state(context)


@router.post("/plan")
def plan(context: Context, body: TeachRequest) -> TeachingPlanInfo:
    """What teaching would do on this machine; nothing is begun."""
    from sam2s.teaching import plan_teaching

    entries = chosen(context.library, body.videos)
    try:
        made = plan_teaching(
            [entry.workspace for entry in entries],
            context.lineage.path,
            weights=context.engine.weights,
            minutes=body.minutes,
            device=context.settings.device,
        )
    except DatasetError as error:
        raise ApiError("invalid", str(error), "videos") from error
    return TeachingPlanInfo(
        train=made.accepted.train,
        held_out=made.accepted.val,
        objects=made.accepted.objects,
        rule=made.accepted.rule,
        recipe=made.recipe,
        reason=made.reason,
        minutes=made.minutes,
        lines=made.lines(),
    )


@router.post("", status_code=202)
def teach(context: Context, who: Who, body: TeachRequest) -> TeachingState:
    """Begin to learn, in the background; better weights come into use when somebody takes them."""
    plan(context, body)  # refuses what cannot work before anything is begun
    entries = chosen(context.library, body.videos)
    context.teaching.start(
        [entry.workspace for entry in entries],
        context.lineage.path,
        weights=context.lineage.first,
        minutes=body.minutes,
        device=context.settings.device,
        author=who.user,
        videos=[entry.name for entry in entries],
    )
    return _state(context)


@router.post("/stop")
def stop(context: Context) -> TeachingState:
    """Stop what is under way; nothing of it comes into use."""
    context.teaching.stop()
    return _state(context)


@router.post("/use")
def use(context: Context, body: UseWeightsRequest) -> TeachingState:
    """Take weights into use; propagations stop where they are, and clicks that wait are answered by the new ones."""
    context.engine.change_weights(context.lineage.use(body.number))
    return _state(context)


@router.get("/{number}/pictures/{name}", response_class=Response)
def picture(context: Context, number: int, name: str) -> FileResponse:
    """A held-out frame: accepted masks, and those of the weights before and after from one box."""
    known = {path.name: path for path in context.lineage.pictures(number)} if 0 < number < 1 << 31 else {}
    if name not in known:
        raise ApiError("not-found", f"there is no picture {name[:80]!r} of weights {number}", "name")
    return FileResponse(known[name], media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _state(context: AppContext) -> TeachingState:
    lineage, weights, progress = context.lineage, context.engine.weights, context.teaching.progress
    task = None
    if progress is not None:
        task = TeachingTask.model_validate(progress, from_attributes=True)
    return TeachingState(
        weights=lineage.name_of(weights),
        current=lineage.number_of(weights),
        first=lineage.name_of(lineage.first),
        learnable=[
            LearnableVideo(id=entry.id, name=entry.name, accepted=count)
            for entry, count in with_accepted(context.library)
        ],
        taught=_taught(context),
        task=task,
    )


def _taught(context: AppContext) -> list[TaughtItem]:
    lineage = context.lineage
    return [
        TaughtItem(
            number=taught.number,
            name=lineage.name_of(str(lineage.folder.path(taught.number))),
            parent=lineage.name_of(taught.parent),
            better=taught.taken,
            chosen=taught.chosen,
            videos=[path.rsplit("/", 1)[-1].removesuffix(".sam2s") for path in taught.workspaces],
            author=taught.author,
            minutes=taught.minutes,
            train=taught.frames[0],
            held_out=taught.frames[1],
            scores=taught.scores,
            pictures=[path.name for path in lineage.pictures(taught.number)],
        )
        for taught in lineage.taught()
    ]
