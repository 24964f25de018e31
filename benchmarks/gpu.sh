#!/usr/bin/env bash
# Everything that needs a GPU, in one command: speed by number of objects, live and offline, transformers and the official
# predictor beside ours, what the recipes would train, and training steps. Leaves JSON, logs and pictures in the folder.
#
#     benchmarks/gpu.sh [FOLDER]
#
# On a machine without a GPU the same script runs small:
#
#     DEVICE=cpu PRECISION=fp32 WEIGHTS=random:tiny SIZE=64 FRAMES=12 OBJECTS=1,2 COMPILE= \
#         TRAIN=micro TRAIN_LENGTH="2 steps" benchmarks/gpu.sh
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
    run compiled.json "$python" -m sam2s bench "${common[@]}" --objects "${objects%%,*}" --json "$compile"
fi
for other in transformers official; do
    run "$other.json" "$python" -m sam2s bench "${common[@]}" --objects "${objects%%,*}" --json --against "$other"
done
for recipe in $train; do
    run "train-$recipe.txt" "$python" -m sam2s train "$recipe" --out "$out/train-$recipe" --dry-run --device "$device"
done
if [ -n "$train" ]; then # the log holds the time of each step
    run train-steps.txt "$python" -m sam2s train micro --out "$out/train-steps" --device "$device" \
        --set "schedule.length=${TRAIN_LENGTH:-100 steps}"
fi
exit $failed
