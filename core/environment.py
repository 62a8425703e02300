"""Whatever could change a bit of a run's result, noted at every start of its engine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import torch

from core.config import KERNELS, RunConfig
from core.errors import harmless
from core.on_device import called

_REPRODUCIBILITY = "MKL_CBWR"
"""The variable that has MKL compute as on other processors; the capability does not tell of it."""


def settle(config: RunConfig) -> None:
    """Compute as the run was made to: with as many threads, since other numbers may give other
    bits, and, on a GPU, equal bits for equal work.
    """
    torch.set_num_threads(config.threads)
    if config.device == "cuda":
        # What cuBLAS asks for; it is read before its first product.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # No TF32, whatever the person's surroundings say: it would cost half of the digits.
        torch.set_float32_matmul_precision("highest")


def environment(config: RunConfig) -> dict[str, str | int]:
    """Versions, processor, threads, device, kernel and data, for the record's EngineStarted."""
    gpu = {} if config.device == "cpu" else {"device": called(config.device)}
    asked = os.environ.get(_REPRODUCIBILITY)
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "kernel": KERNELS[config.device],
        **gpu,
        **({_REPRODUCIBILITY: harmless(asked, 80)} if asked else {}),
        "data_sha256": config.data.sha256,
    }


def cpu_model() -> str:
    """What the processor calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
