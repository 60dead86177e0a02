#!/usr/bin/env bash
# safetensors.numpy.save stores a transposed array as another array: shape of the one, memory of the other.
#
# Expected: what load returns equals what save was given. The torch side of the same library refuses such a tensor
#   ("You are trying to save a non contiguous tensor ... call .contiguous() before saving").
# What happens: save and save_file of safetensors.numpy write the shape of the array and so many bytes of its memory
#   as it lies, whatever the strides, so that a transposed, a Fortran-ordered or a sliced array comes back with other
#   values, without an error or a warning (since 0.8.0; open as safetensors/safetensors#825).
# Why it matters: np.sort(x, axis=0).T, a Fortran-ordered result of LAPACK, every second column: each is stored
#   scrambled, and astype and np.asarray keep the order. np.ascontiguousarray before saving helps.
# Packages: safetensors 0.8.0, numpy 2.4.6. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load, load_file, save, save_file

rows = np.arange(6.0).reshape(2, 3)
for name, given in {"transposed": rows.T, "Fortran order": np.asfortranarray(rows), "every second column": rows[:, ::2]}.items():
    back = load(save({"x": given}))["x"]
    save_file({"x": given}, "x.safetensors")
    assert np.array_equal(back, load_file("x.safetensors")["x"])
    print(f"{name}: given {given.tolist()}, loaded {back.tolist()}, equal: {np.array_equal(given, back)}")
    assert back.shape == given.shape and not np.array_equal(given, back), f"{name}: mended"
print("safetensors", version("safetensors"), "numpy", version("numpy"))
PY
