#!/usr/bin/env python3
"""The include test: a folder of src/ includes earlier levels only (docs/architecture.md), and every folder
has its README, every source its licence line. Prints each finding with its place."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
LEVELS = [
    ["base"],
    ["telemetry"],
    ["net", "exposition", "openai", "mapping", "promql"],
    ["discovery", "scrape", "probe", "collect", "gateway", "otlp", "remote", "tsdb", "requests", "notify"],
    ["engines", "rules", "diagnose"],
    ["api", "top", "load", "simulate"],
    ["app"],
]
LEVEL = {folder: number for number, folders in enumerate(LEVELS, 1) for folder in folders}
SAME_LEVEL = {("scrape", "discovery")}
ONLY_TO_LEVEL = {"top": 3, "load": 3, "simulate": 3}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def allowed(folder, included):
    if folder == included:
        return True
    if folder in ONLY_TO_LEVEL:
        return LEVEL[included] <= ONLY_TO_LEVEL[folder]
    return LEVEL[included] < LEVEL[folder] or (folder, included) in SAME_LEVEL


def findings():
    for folder in sorted(p for p in SRC.iterdir() if p.is_dir()):
        if folder.name not in LEVEL:
            yield f"{folder.relative_to(ROOT)}: folder has no level; name it in {pathlib.Path(__file__).name}"
            continue
        if not (folder / "README.md").exists():
            yield f"{folder.relative_to(ROOT)}: no README.md"
    for path in sorted([*SRC.rglob("*.h"), *SRC.rglob("*.cpp")]):
        folder = path.relative_to(SRC).parts[0]
        lines = path.read_text().splitlines()
        place = path.relative_to(ROOT)
        if not lines or LICENCE not in lines[0]:
            yield f"{place}:1: first line must hold '{LICENCE}'"
        own = path.with_suffix(".h").relative_to(SRC)
        if path.suffix == ".cpp" and (SRC / own).exists():
            first = next((line for line in lines if line.startswith("#include")), "")
            if first != f'#include "{own}"':
                yield f"{place}: includes \"{own}\" first, so that the header is compiled alone"
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match.group(1).split("/")[0]
            if included == "doubles" and path.name.endswith("_test.cpp"):
                continue  # tests/doubles: what stands in for the outside world
            if included not in LEVEL:
                yield f"{place}:{number}: \"{match.group(1)}\" is not folder/file.h of src/"
            elif not allowed(folder, included):
                yield f"{place}:{number}: {folder} (level {LEVEL[folder]}) may not include {included} (level {LEVEL[included]})"


def main():
    found = list(findings())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
