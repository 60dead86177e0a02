"""Rarebeat: multi-task CNNs on 12-lead ECGs, so that rare diagnoses learn from common ones."""

import os

# Before torch's first convolution: with AMX, oneDNN computes some of them wrong in bf16 (docs/scale.md, Precision).
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
