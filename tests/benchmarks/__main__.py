"""All benchmarks, one after the other: `make bench`."""

from __future__ import annotations

from tests.benchmarks import latency, step

if __name__ == "__main__":
    step.main()
    latency.main()
