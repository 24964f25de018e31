#!/usr/bin/env bash
# Everything that needs a GPU, in one command: speed by number of objects, live and offline, transformers and the official
# predictor beside ours, what the recipes would train, and training steps. Leaves JSON, logs and pictures in the folder.
#
#     benchmarks/gpu.sh [FOLDER]
#
# On a machine without a GPU the same script runs small:
#
#     DEVICE=cpu PRECISION=fp32 WEIGHTS=random:tiny SIZE=64 FRAMES=12 OBJECTS=1,2 COMPILE= \
#         TRAIN=micro PRESET=tiny STEPS=2 HOW=activation_checkpointing benchmarks/gpu.sh
#
# MICRO_MINUTES=120 also goes on training micro for that long (recipe micro-cutouts, larger batches; cut-outs are fetched to
# MICRO_DATA if they are not there), averages and calibrates the result and leaves it as micro.safetensors.
set -uo pipefail

out=${1:-bench-gpu}
device=${DEVICE:-cuda} precision=${PRECISION:-bf16} weights=${WEIGHTS:-random:base-plus} size=${SIZE:-512}
frames=${FRAMES:-300} objects=${OBJECTS:-1,2,4,8,16} compile=${COMPILE---compile} train=${TRAIN-micro small-gpu sam2s-base-plus}
python=${PYTHON:-python}
common=(--weights "$weights" --image-size "$size" --device "$device" --precision "$precision" --frames "$frames")
mkdir -p "$out"
failed=0

run() { # name, command...: keep what it prints, say how long it took, and go on when it fails
    local name=$1 began=$SECONDS
    shift
    if "$@" >"$out/$name" 2>"$out/$name.err"; then
        echo "$name: $((SECONDS - began)) s"
    else
        echo "$name failed: $(tail -n 1 "$out/$name.err")"
        failed=1
    fi
}

run plain.json "$python" -m sam2s bench "${common[@]}" --objects "$objects" --json --plot "$out/cost.svg"
if [ -n "$compile" ]; then
    run compiled.json "$python" -m sam2s bench "${common[@]}" --objects "${COMPILED_OBJECTS:-1,8}" --json "$compile"
fi
for other in transformers official; do
    run "$other.json" "$python" -m sam2s bench "${common[@]}" --objects "${objects%%,*}" --json --against "$other"
done
for recipe in $train; do
    run "train-$recipe.txt" "$python" -m sam2s train "$recipe" --out "$out/train-$recipe" --dry-run --device "$device"
done
for how in plain ${HOW-compile activation_checkpointing}; do # fresh weights, drawn scenes: the time of a step is the same
    folder=$out/train-steps-$how
    changes=(model.init=null model.preset="${PRESET:-base-plus}" model.bank=null "model.names=[hook, grasper]"
        "data.sources=[{place: synthetic, length: 16}]" data.clips.size="$size" data.clips.picture_share=0
        "schedule.length=${STEPS:-30} steps" run.batch=1 run.precision="$precision" run.visualise_every=0)
    [ "$how" = plain ] || changes+=("run.$how=true")
    rm -rf "$folder"
    run "train-steps-$how.txt" "$python" -m sam2s train sam2s-base-plus --out "$folder" --device "$device" \
        "${changes[@]/#/--set=}"
    run "train-steps-$how.json" "$python" - "$folder/log.jsonl" <<'END'
import json, statistics, sys

steps = [json.loads(line) for line in open(sys.argv[1])]
settled = steps[len(steps) // 3 :]  # the first ones compile and fill caches
found = {name: statistics.median(step[name] for step in settled) for name in ("seconds", "waited", "memory_gib")}
print(json.dumps({"steps": len(settled), **found}))
END
done
if [ -n "${MICRO_MINUTES:-}" ]; then
    data=$(realpath -m "${MICRO_DATA:-$out/pictures}")
    [ -d "$data/cutouts" ] || run pictures.txt "$(dirname "$0")/fetch_cutouts.sh" "$data"
    changes=("data.sources.1.folder=$data/cutouts" "data.sources.1.photos=$data/photos" data.clips.clips=8
        data.clips.pictures=40 run.batch=8 data.workers="${WORKERS:-12}" "schedule.length=$MICRO_MINUTES minutes")
    run micro-train.txt "$python" -m sam2s train micro-cutouts --out "$out/micro" --device "$device" "${changes[@]/#/--set=}"
    run micro-average.txt "$python" -m sam2s weights average micro "$out/micro/weights.safetensors" "$out/average.safetensors"
    run micro-calibrate.txt "$python" -m sam2s weights calibrate "$out/average.safetensors" "$out/micro.safetensors"
fi
exit $failed
