"""checkov on what would be deployed: the template of both profiles, and the image's Dockerfile.

    python -m coin_platform_tests.aws.audit PATH_OF_CHECKOV

Its findings are errors. What is accepted says so, with the reason, where it stands in the template.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from coin_platform_tests.aws.template import TUTORIAL, synthesized

ROOT = Path(__file__).parents[2]
PROFILES = {"default": {}, "tutorial": TUTORIAL}


def main(checkov: str) -> int:
    """Look at everything; 0 when nothing was found."""
    with tempfile.TemporaryDirectory() as folder:
        looks = [("dockerfile", ROOT / "Dockerfile")]
        for profile, account in PROFILES.items():
            path = Path(folder) / f"{profile}.json"
            path.write_text(json.dumps(synthesized(**account).content))
            looks.append(("cloudformation", path))
        return max([look(checkov, kind, path) for kind, path in looks])


def look(checkov: str, kind: str, path: Path) -> int:
    """checkov's verdict on a file; it is to need no network."""
    found = subprocess.run(
        [checkov, "--framework", kind, "--file", path, "--compact", "--quiet", "--skip-download"],
        env={**os.environ, "LOG_LEVEL": "CRITICAL"},
        check=False,
    ).returncode
    print(f"checkov, {path.name}: {'nothing found' if found == 0 else 'see above'}")  # noqa: T201
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
