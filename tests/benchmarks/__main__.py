"""All benchmarks, one after the other: `make bench`."""

from __future__ import annotations

from tests.benchmarks import finder, latency, record, step

if __name__ == "__main__":
    step.main()
    record.main()
    latency.main()
    finder.main()
