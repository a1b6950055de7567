#!/usr/bin/env bash
#SBATCH --job-name=rnw --array=1-16 --cpus-per-task=4 --mem=16G --time=02:00:00
# Converts a folder or manifest on 16 nodes: sbatch slurm.sh /shared/fine-tunes /shared/converted
# A job that is cut off is submitted again: what has a record is kept.
set -euo pipefail
source=${1:?folder or manifest} target=${2:?folder}
srun rnw batch "$source" -o "$target" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "$SLURM_CPUS_PER_TASK"
# Then, once: rnw merge /shared/converted -o verdict.json --report fleet.html
