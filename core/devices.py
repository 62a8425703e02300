"""Which device a run computes on: chosen once, when it is made, and then part of its configuration.

Without torch, so that a dashboard can ask: a process of its own looks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import cast

from core.config import GPUS, Device
from core.dials import ConfigError
from core.foundations import AUTO
from core.launch import environment

_LOOK = """
import json
from core.config import GPUS
from core.on_device import missing
print(json.dumps({device: missing(device) for device in GPUS}))
"""


class _TorchFails(Exception):
    """It could not even be asked."""


def chosen(wanted: str) -> Device:
    """The device that is meant; `auto`: a GPU where PyTorch finds one. Raises ConfigError for one
    that is not to be had.
    """
    if wanted == "cpu":
        return "cpu"
    try:
        missing = _look()
    except _TorchFails as error:
        raise ConfigError("device", wanted, f"cannot be looked for, since {error}") from None
    if wanted == AUTO:
        return next((device for device in GPUS if not missing[device]), "cpu")
    if missing[wanted]:
        raise ConfigError(
            "device", wanted, f"is not to be had: {missing[wanted]}; give cpu or auto"
        )
    return cast(Device, wanted)


@cache
def _look() -> dict[str, str]:
    """Why each GPU is not to be had, empty if it is."""
    command = [sys.executable, "-P", "-c", _LOOK]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it was killed"])[-1]
        raise _TorchFails(f"PyTorch fails: {last}")
    missing: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return missing
