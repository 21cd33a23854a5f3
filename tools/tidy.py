#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over src/, and remembers in build/tidy what was clean: a file is checked again when it, a
header that it includes, or .clang-tidy changed."""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
CLEAN = ROOT / "build/tidy"
PRECOMPILED = re.compile(r" -Xclang (-include|-fno-pch|/)\S*| -Winvalid-pch")  # flags for precompiled headers


def commands():
    """Source file -> its compile command, for our own sources without tests. Written to build/tidy without precompiled
    headers, which needn't be there."""
    entries = []
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT / "src") and not path.name.endswith("_test.cpp"):
            entries.append({**entry, "command": PRECOMPILED.sub("", entry["command"])})
    (CLEAN / "compile_commands.json").write_text(json.dumps(entries))
    return {pathlib.Path(entry["file"]): entry["command"] for entry in entries}


def fingerprint(path, command):
    """Hash of all that clang-tidy would read from this repository for `path`."""
    words = command.split()
    if words[0].endswith("ccache"):
        words = words[1:]
    keep = [w for i, w in enumerate(words) if w not in ("-c", "-o", "-MD", "-MT", "-MF")
            and (i == 0 or words[i - 1] not in ("-o", "-MT", "-MF"))]
    listed = subprocess.run([*keep, "-MM"], cwd=BUILD, capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + command.encode())
    for name in listed.replace("\\\n", " ").split()[1:]:
        file = (BUILD / name).resolve()
        if file.is_relative_to(ROOT):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def check(path, command):
    mark = CLEAN / (fingerprint(path, command) + ".clean")
    if mark.exists():
        return None
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(CLEAN), str(path)], capture_output=True, text=True)
    if done.returncode == 0:
        mark.touch()
        return None
    return done.stdout + done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    CLEAN.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        findings = [f for f in pool.map(lambda item: check(*item), sorted(commands().items())) if f]
    print("\n".join(findings), end="")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
