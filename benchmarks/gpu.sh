#!/usr/bin/env bash
# Everything that needs a GPU, in one command: speed by number of objects, alone, in batches and as CUDA graphs, transformers and
# the official predictor beside ours, what the recipes would train, and training steps. Leaves JSON, logs and pictures in the
# folder, by default bench-gpu/, which git ignores, and in summary.md what was done, left out and failed.
#
#     benchmarks/gpu.sh [FOLDER]
#
# It needs a clone of this repository, bash and Python 3.11 or newer with its module venv. The package goes into an environment
# of its own in the folder, with the PyTorch that pip takes, which on Linux is the one with CUDA; for that pip must reach a
# package index. PYTHON=.venv/bin/python takes an environment that has the package already. What is missing otherwise
# (matplotlib, transformers, the package sam2 of github.com/facebookresearch/sam2, data to train on) leaves a step out, with the
# reason; only a step that should have worked and did not makes the script fail.
#
# On a machine without a GPU the same script runs small:
#
#     DEVICE=cpu PRECISION=fp32 WEIGHTS=random:tiny SIZE=64 FRAMES=12 OBJECTS=1,2 COMPILE= \
#         TRAIN=micro PRESET=tiny STEPS=2 HOW=activation_checkpointing benchmarks/gpu.sh
#
# MICRO_MINUTES=120 also goes on training micro for that long (recipe micro-cutouts, larger batches; cut-outs are fetched to
# MICRO_DATA if they are not there), averages and calibrates the result and leaves it as micro.safetensors.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/bench-gpu}
device=${DEVICE:-cuda} precision=${PRECISION:-bf16} weights=${WEIGHTS:-random:base-plus} size=${SIZE:-512}
frames=${FRAMES:-300} objects=${OBJECTS:-1,2,4,8,16} compile=${COMPILE---compile}
train=${TRAIN-micro small-gpu sam2s-base-plus}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
common=(--weights "$weights" --image-size "$size" --device "$device" --precision "$precision" --frames "$frames")
summary=$out/summary.md
failed=0
echo "| step | outcome |
|---|---|" >"$summary"

note() { # step, outcome: into the summary and on the screen
    echo "$1: $2"
    echo "| $1 | ${2//|/ } |" >>"$summary"
}

run() { # name, command...: keep what it prints, say how long it took, and go on when it fails
    local name=$1 began=$SECONDS rc
    shift
    "$@" >"$out/$name" 2>"$out/$name.err"
    rc=$?
    case $rc in
    0) note "$name" "$((SECONDS - began)) s" ;;
    *)
        note "$name" "FAILED ($rc): $(cat "$out/$name" "$out/$name.err" | grep -v '^ *$' | tail -n 1)"
        failed=1
        ;;
    esac
    return $rc
}

left_out() { # name, reason
    note "$1" "left out: $2"
}

has() { # module: whether Python finds it
    "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"
}

# An environment.
python=${PYTHON:-}
if [ -z "$python" ]; then
    base=$(command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3 || true)
    if [ -z "$base" ] || ! "$base" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Python 3.11 or newer with its module venv is needed (on Debian: apt-get install python3 python3-venv);" \
            "or give PYTHON=PATH of an environment that has the package"
        exit 2
    fi
    python=$out/venv/bin/python
    if [ ! -x "$python" ]; then
        run install-venv.txt "$base" -m venv "$out/venv" || exit 2
    fi
    if ! run install.txt "$python" -m pip install --constraint "$root/constraints.txt" --editable "${root}[plot,text]"; then
        echo "pip could not install the package (see $out/install.txt.err); without an index give PYTHON=PATH of an environment"
        exit 2
    fi
elif ! has sam2s; then
    echo "$python has no package sam2s; install it (docs/how-to/install.md), or leave PYTHON away"
    exit 2
fi
if [ "$device" != cpu ] && ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "this PyTorch sees no CUDA device: $("$python" -c 'import torch; print(torch.__version__)'); the head of this script" \
        "says how to run it small on a processor"
    exit 2
fi
run machine.txt "$python" -c 'import platform, torch
print(platform.platform(), torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")'

# Speed of ours.
plot=()
if has matplotlib; then plot=(--plot "$out/cost.svg"); else left_out cost.svg "matplotlib is not installed"; fi
run plain.json "$python" -m sam2s bench "${common[@]}" --objects "$objects" --json "${plot[@]}"
for how in alone padded graphs; do
    run "$how.json" "$python" -m sam2s bench "${common[@]}" --objects "$objects" --json --batched "$how"
done
if [ -n "$compile" ]; then
    run compiled.json "$python" -m sam2s bench "${common[@]}" --objects "${COMPILED_OBJECTS:-1,8}" --json "$compile"
    run compiled-padded.json "$python" -m sam2s bench "${common[@]}" --objects "${COMPILED_OBJECTS:-1,8}" --json \
        "$compile" --batched padded
fi

# Beside others.
if has transformers; then
    run transformers.json "$python" -m sam2s bench "${common[@]}" --objects "${objects%%,*}" --json --against transformers
else
    left_out transformers.json "transformers is not installed"
fi
if has sam2; then
    run official.json "$python" -m sam2s bench "${common[@]}" --objects "${objects%%,*}" --json --against official
else
    left_out official.json "the package sam2 is not there; clone github.com/facebookresearch/sam2 and name it in PYTHONPATH"
fi

# What the recipes would train; 1 means that data or a text bank are missing, which the plan in the file says.
for recipe in $train; do
    began=$SECONDS
    "$python" -m sam2s train "$recipe" --out "$out/train-$recipe" --dry-run --device "$device" \
        >"$out/train-$recipe.txt" 2>"$out/train-$recipe.txt.err"
    case $? in
    0) note "train-$recipe.txt" "$((SECONDS - began)) s" ;;
    1) left_out "train-$recipe.txt" "$(grep -im 1 missing "$out/train-$recipe.txt" | tr -s ' ')" ;;
    *)
        note "train-$recipe.txt" "FAILED: $(tail -n 1 "$out/train-$recipe.txt.err")"
        failed=1
        ;;
    esac
done

# Training steps: fresh weights, drawn scenes; the time of a step is the same.
for how in plain ${HOW-compile activation_checkpointing}; do
    folder=$out/train-steps-$how
    changes=(model.init=null model.preset="${PRESET:-base-plus}" model.bank=null "model.names=[hook, grasper]"
        "data.sources=[{place: synthetic, length: 16}]" data.clips.size="$size" data.clips.picture_share=0
        "schedule.length=${STEPS:-30} steps" run.batch=1 run.precision="$precision" run.visualise_every=0)
    [ "$how" = plain ] || changes+=("run.$how=true")
    rm -rf "$folder"
    run "train-steps-$how.txt" "$python" -m sam2s train sam2s-base-plus --out "$folder" --device "$device" \
        "${changes[@]/#/--set=}" || continue
    run "train-steps-$how.json" "$python" - "$folder/log.jsonl" <<'END'
import json, statistics, sys

steps = [line for line in map(json.loads, open(sys.argv[1])) if "seconds" in line]
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
    run micro-train.txt "$python" -m sam2s train micro-cutouts --out "$out/micro" --device "$device" "${changes[@]/#/--set=}" &&
        run micro-average.txt "$python" -m sam2s weights average micro "$out/micro/weights.safetensors" "$out/average.safetensors" &&
        run micro-calibrate.txt "$python" -m sam2s weights calibrate "$out/average.safetensors" "$out/micro.safetensors"
fi
echo "$([ $failed = 0 ] && echo "all that could run ran" || echo "something failed"): $summary"
exit $failed
