#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No operation of a tlsf takes more instructions than tlsf.h promises (TARN_TLSF_…_MOST), with gcc and with clang.

test/gate/longest.c is compiled with -O2 and counts each operation of an awkward stream by itself, under callgrind:
exact, whatever the machine's load. A promise of more than twice what was seen is a fault, too: it says nothing.
"""
import pathlib
import re
import tempfile

import gatelib

FLAGS = ["-std=gnu11", "-O2", "-DNDEBUG", "-fvisibility=hidden", "-pthread"]
OPERATIONS = 3000
HEADER = "include/tarn/tlsf.h"


def promises(text):
    """{kind: (line, instructions)}"""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"#define TARN_TLSF_(\w+)_MOST +(\d+)", line)
        if match:
            found[match.group(1)] = (number, int(match.group(2)))
    return found


def counts(folder):
    """(kind, instructions) of every dump."""
    for dump in pathlib.Path(folder).glob("out.*"):
        text = dump.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\S+)", text, re.M)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
        if name and total:
            yield name.group(1), int(total.group(1))


def measure(job):
    """[(compiler, {kind: the longest}, {kind: how many})]"""
    root, compiler = job
    sources = sorted(str(path) for folder in ("base", "os", "api", "source", "strategy", "compose")
                     for path in (root / "src" / folder).glob("*.c"))
    with tempfile.TemporaryDirectory(prefix="tarn-longest-") as folder:
        program = f"{folder}/longest"
        done = gatelib.run([compiler, *FLAGS, f"-I{root}/include", f"-I{root}/src", str(root / "test/gate/longest.c"),
                            *sources, "-o", program])
        if done.returncode == 0:
            done = gatelib.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program,
                                str(OPERATIONS)])
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        longest, seen = {}, {}
        for kind, instructions in counts(folder):
            longest[kind] = max(longest.get(kind, 0), instructions)
            seen[kind] = seen.get(kind, 0) + 1
    overhead = longest.pop("nothing")
    return [(compiler, {kind: most - overhead for kind, most in longest.items()}, seen)]


def judge(table, measured):
    faults = []
    for kind, (line, promised) in table.items():
        seen = [(compiler, longest.get(kind, 0)) for compiler, longest, _ in measured]
        for compiler, most in seen:
            if most > promised:
                faults.append(f"{HEADER}:{line}: {most} instructions with {compiler}, promised are {promised}")
        if promised > 2 * max(most for _, most in seen):
            faults.append(f"{HEADER}:{line}: no operation took half of {promised} instructions")
    return sorted(faults)


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--print", action="store_true", help="print the counts and judge nothing")
    args = ap.parse_args()
    measured = gatelib.parallel(measure, [(args.root, "gcc"), (args.root, "clang")])
    if args.print:
        for compiler, longest, seen in measured:
            for kind in sorted(longest):
                print(f"{compiler:6} {kind:8} {longest[kind]:4} of {seen[kind]}")
        return
    table = promises((args.root / HEADER).read_text())
    if not table:
        raise SystemExit(f"{HEADER}: no TARN_TLSF_…_MOST")
    faults = judge(table, measured)
    gatelib.finish("longest", faults, f"{len(table)} promises hold over {OPERATIONS} operations")


if __name__ == "__main__":
    main()
