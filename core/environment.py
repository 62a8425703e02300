"""Whatever could change a bit of a run's result, noted at every start of its engine."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import torch

from core.config import KERNEL, RunConfig


def settle_threads(config: RunConfig) -> None:
    """Compute with as many threads as the run was made with: other numbers may give other bits."""
    torch.set_num_threads(config.threads)


def environment(config: RunConfig) -> dict[str, str | int]:
    """Versions, processor, threads, kernel and data, for the record's EngineStarted."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "kernel": KERNEL,
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
