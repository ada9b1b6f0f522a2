#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The hot paths stay within their budget of instructions (dev/instructions.txt), with gcc and with clang.

The library and test/gate/hot*.c are compiled with -O2 and counted by callgrind: exact, whatever the machine's
load. Inlined operations are counted without the loop around them, those through a handle without the caller's
part as well: what remains is what the allocator's two functions execute, slow paths included.
"""
import glob
import pathlib
import re
import tempfile

import gatelib

FLAGS = ["-std=gnu11", "-O2", "-DNDEBUG", "-fvisibility=hidden", "-pthread"]
FEW, MANY = 1280, 11520  # multiples of the burst


def build(root, compiler, out):
    sources = sorted(str(path) for folder in ("base", "os", "api", "source", "strategy", "compose", "assemble")
                     for path in (root / "src" / folder).glob("*.c"))
    hot = sorted(str(path) for path in (root / "test/gate").glob("hot*.c"))
    command = [compiler, *FLAGS, f"-I{root}/include", f"-I{root}/src", *hot, *sources]
    done = gatelib.run([*command, "-o", out])
    if done.returncode != 0:
        raise SystemExit(done.stderr)


def count(program, times, folder):
    """{probe: instructions} of one run."""
    done = gatelib.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/{times}", program, str(times)])
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    counts = {}
    for dump in glob.glob(f"{folder}/{times}.*"):
        text = pathlib.Path(dump).read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\S+)", text, re.M)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
        if name and total:
            counts[name.group(1)] = int(total.group(1))
    return counts


def measure(job):
    root, compiler = job
    with tempfile.TemporaryDirectory(prefix="tarn-hot-") as folder:
        program = f"{folder}/hot"
        build(root, compiler, program)
        few, many = count(program, FEW, folder), count(program, MANY, folder)
    per = {name: (many[name] - few[name]) / (MANY - FEW) for name in many}
    # The allocator that does nothing executes lea, ret and ret; the rest of its loop is the caller's part.
    base = {"pair": per["idle-pair"] - 3, "alloc": per["idle-alloc"] - 2}
    return [(compiler, name, per[name] - (base[name.rpartition("-")[2]] if "-handle-" in name else per["loop"]))
            for name in sorted(per) if name != "loop" and not name.startswith("idle-")]


def budgets(path):
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            if len(words) != 4:
                raise SystemExit(f"{path}:{number}: not 'probe gcc clang limit'")
            found[words[0]] = {"gcc": float(words[1]), "clang": float(words[2]), "limit": float(words[3])}
    return found


def judge(table, measured):
    faults = [f"dev/instructions.txt:1: no probe {name}" for name in set(table) - {name for _, name, _ in measured}]
    for compiler, name, instructions in measured:
        if name not in table:
            faults.append(f"dev/instructions.txt:1: no budget for {name}")
            continue
        budget = min(table[name][compiler], table[name]["limit"])
        if instructions > budget + 0.05:
            faults.append(f"{name}: {instructions:.1f} instructions with {compiler}, budget {budget:g}")
    return sorted(faults)


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--print", action="store_true", help="print the counts and judge nothing")
    args = ap.parse_args()
    measured = gatelib.parallel(measure, [(args.root, "gcc"), (args.root, "clang")])
    if args.print:
        for compiler, name, instructions in measured:
            print(f"{compiler:6} {name:24} {instructions:6.2f}")
        return
    faults = judge(budgets(args.root / "dev/instructions.txt"), measured)
    gatelib.finish("instructions", faults, f"{len(measured)} counts within budget")


if __name__ == "__main__":
    main()
