"""Schemathesis on the admin API of a running daemon: is it as it describes itself?

Usage: examine.py ADDRESS, with the API token in OFFHOOK_API__TOKEN. More arguments go to
schemathesis.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

# A run that takes longer hangs. It takes less than a minute on a slow machine.
LIMIT_IN_SECONDS = 90

HERE = pathlib.Path(__file__).resolve().parent


def description(address):
    token = {"Authorization": f"Bearer {os.environ['OFFHOOK_API__TOKEN']}"}
    request = urllib.request.Request(f"{address}/v1/openapi.json", headers=token)
    return urllib.request.urlopen(request, timeout=10).read()


def main(address, *more):
    described = description(address)
    with tempfile.TemporaryDirectory() as folder:
        # Given as a file, so that the path of the description is examined like any other.
        document = pathlib.Path(folder, "openapi.json")
        document.write_bytes(described)
        schemathesis = [sys.executable, "-m", "schemathesis.cli"]
        run = ["run", document, "--url", address, "--no-color", *more]
        try:
            ran = subprocess.run(
                [*schemathesis, "--config-file", HERE / "schemathesis.toml", *run],
                cwd=folder,
                env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")},
                stdout=subprocess.PIPE,
                text=True,
                timeout=LIMIT_IN_SECONDS,
            )
        except subprocess.TimeoutExpired:
            sys.exit(f"not done after {LIMIT_IN_SECONDS} s")
    print(ran.stdout)
    if ran.returncode != 0:
        sys.exit(ran.returncode)
    operations = sum(len(methods) for methods in json.loads(described)["paths"].values())
    tested = re.search(r"^ *Tested: (\d+)$", ran.stdout, re.MULTILINE)
    if tested is None or int(tested[1]) != operations:
        sys.exit(f"{operations} operations are described, and not all of them were tested")
    print(f"{operations} passed, 0 failed")


main(*sys.argv[1:])
