"""Ask pip-audit whether a pinned version has a known vulnerability; `make audit` runs this.

Exit code 1 if one has. A service that does not answer, or does not know a package, is no finding:
that is said, and the exit code is 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"


def main(program: str) -> int:
    """Audit with the pip-audit of this path; returns the exit code."""
    flags = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    command = [program, *flags, "--requirement", str(CONSTRAINTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        lines = done.stderr.strip().splitlines()
        print(f"not audited: the service did not answer ({lines[-1] if lines else 'no reason'})")
        return 0
    bad = [package for package in found if package.get("vulns")]
    for package in bad:
        known = ", ".join(each["id"] for each in package["vulns"])
        print(f"{package['name']} {package['version']}: {known}")
    skipped = [package["name"] for package in found if "skip_reason" in package]
    print(f"{len(found) - len(skipped)} of {len(found)} packages audited, {len(bad)} vulnerable")
    if skipped:
        print(f"not audited, since the service does not know them: {', '.join(skipped)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
