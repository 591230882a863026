"""Fetches the wheel that litellm.txt names from PyPI and takes the example configs of its proxy out of it, nothing else.

    litellm_examples.py FOLDER      writes *.yaml into FOLDER, named by their path in the wheel
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

# LiteLLM's proxy reads these as its config; other YAML in the wheel is something else.
CONFIGS = re.compile(
    r"litellm/proxy/(example_config_yaml/[^/]+"
    r"|(proxy|dev|wildcard|model)_config"
    r"|guardrails/guardrail_hooks/[^/]+/example_config)\.yaml"
)


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    with tempfile.TemporaryDirectory() as wheels:
        wanted = pathlib.Path(__file__).with_name("litellm.txt")
        pip = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", wheels, "-r", wanted], check=True)
        (wheel,) = pathlib.Path(wheels).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if found := CONFIGS.fullmatch(name):
                    (folder / (found[1].replace("/", "-") + ".yaml")).write_bytes(archive.read(name))
    if not list(folder.glob("*.yaml")):
        sys.exit("the wheel holds none of the example configs any more")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
