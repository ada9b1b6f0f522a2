#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exact instructions of a pair, under callgrind: they do not depend on the machine's load.

Two runs that differ only in the number of loops are subtracted, so that start-up does not count; the same loop around a
contender that does nothing ("nothing") is subtracted too, so that the loop does not count either. What is left ("all") is
what alloc and free add to a program, slow paths included; "called" is the part of it in the functions that are called,
without the arguments and the call itself: the figure that is usually given for a malloc.

    bench/instructions.py                         gcc and clang, the contenders below
    bench/instructions.py --compiler gcc --contender "tarn pool" --json
    bench/instructions.py --worker FILE           a worker that is built already
    bench/instructions.py --budget "tarn pool=20" --budget "tarn handle:called=28"    fails when a pair takes more
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CONTENDERS = ["tarn pool", "tarn handle", "tarn::pool_resource", "ideal", "ideal_call", "article", "malloc"]
CXX = {"gcc": "g++", "clang": "clang++"}
PAIRS = {"burst": 64, "pair": 1, "batch": 64}
LOOPS = {"burst": (200, 600), "pair": (12800, 38400), "batch": (200, 600)}
BASE = "nothing"


def build(compiler):
    """The worker without the peers, with this compiler."""
    folder = os.path.join(ROOT, f"build-count-{compiler}")
    flags = "-O2 -DNDEBUG"
    for command in (["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DTARN_BENCH=ON",
                     "-DTARN_TESTS=OFF", "-DTARN_TOOL=OFF", "-DTARN_EXAMPLES=OFF",
                     f"-DCMAKE_C_COMPILER={compiler}", f"-DCMAKE_CXX_COMPILER={CXX[compiler]}",
                     f"-DCMAKE_C_FLAGS_RELEASE={flags}", f"-DCMAKE_CXX_FLAGS_RELEASE={flags}"],
                    ["cmake", "--build", folder, "--target", "tarn-bench-count", "-j", "2"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"instructions.py: {done.stdout[-2000:]}")
    return os.path.join(folder, "bench", "tarn-bench-count")


def collected(worker, case, contender, loops):
    """Instructions of one whole run: of all of it, and of what the measuring loop calls."""
    with tempfile.NamedTemporaryFile(suffix=".callgrind") as out:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", worker, case,
                               contender, str(loops)], capture_output=True, text=True)
        if "Collected :" not in done.stderr:
            raise SystemExit(f"instructions.py: {case}, {contender}: {done.stderr.strip()[-500:]}")
        with open(out.name, encoding="utf-8") as f:
            own = by_function(f)
    return sum(own.values()), sum(n for name, n in own.items() if "bench::" not in name)


def by_function(lines):
    """function -> instructions of its own, from callgrind's file: `fn=` opens a function, number pairs are costs, and
    the pair after a `calls=` is what the callee took."""
    names, own, now, callee = {}, {}, "", False
    for line in lines:
        if line.startswith("fn="):
            number, _, name = line[3:].strip().partition(" ")
            now = names.setdefault(number, name)
        elif line.startswith("cfn="):
            number, _, name = line[4:].strip().partition(" ")
            names.setdefault(number, name)
        elif line.startswith("calls="):
            callee = True
        elif line[:1] in "0123456789+-*" and len(line.split()) == 2:
            if not callee:
                own[now] = own.get(now, 0) + int(line.split()[1])
            callee = False
    return own


def per_pair(worker, case, contender):
    """Instructions a pair: all of them, and those of the functions that are called."""
    few, many = LOOPS[case]
    with ThreadPoolExecutor(2) as both:
        a, b = both.map(lambda loops: collected(worker, case, contender, loops), (few, many))
    pairs = (many - few) * PAIRS[case]
    return (b[0] - a[0]) / pairs, (b[1] - a[1]) / pairs


def entered(worker, case):
    out = subprocess.run([worker, "--list"], capture_output=True, text=True, check=True).stdout
    return [line.split("\t")[1] for line in out.splitlines() if line.split("\t")[0] == case]


def count(worker, cases, contenders):
    """case -> contender -> instructions a pair: "all" without the loop, "called" in functions that are called."""
    table = {}
    for case in cases:
        known = entered(worker, case)
        loop = per_pair(worker, case, BASE)[0] if BASE in known else 0.0
        table[case] = {}
        for name in contenders or CONTENDERS:
            if name in known:
                whole, called = per_pair(worker, case, name)
                table[case][name] = {"all": round(whole - loop, 2), "called": round(called, 2) + 0.0}
    return table


def over_budget(results, budgets):
    """What takes more than it may; a budget that nobody was measured for is a failure as well."""
    faults = []
    for budget in budgets:
        name, limit = budget.rsplit("=", 1)
        name, _, which = name.partition(":")
        seen = [(compiler, case, row[name][which or "all"]) for compiler, table in results.items()
                for case, row in table.items() if name in row]
        if not seen:
            faults.append(f"{name}: has a budget and was not measured")
        faults += [f"{name}: {value} instructions a pair, {limit} allowed ({compiler}, {case})"
                   for compiler, case, value in seen if value > float(limit)]
    return faults


def measure(compilers, cases=("burst", "pair"), contenders=None, worker=None):
    workers = {"worker": worker} if worker else {compiler: build(compiler) for compiler in compilers}
    return {name: count(path, cases, contenders) for name, path in workers.items()}


def main():
    parser = argparse.ArgumentParser(prog="bench/instructions.py", description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", action="append", choices=sorted(CXX))
    parser.add_argument("--worker", metavar="FILE")
    parser.add_argument("--case", action="append", choices=sorted(PAIRS))
    parser.add_argument("--contender", action="append")
    parser.add_argument("--budget", action="append", default=[], metavar="CONTENDER=N")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    results = measure(chosen.compiler or sorted(CXX, reverse=True), chosen.case or ["burst", "pair"], chosen.contender,
                      chosen.worker)
    if chosen.json:
        print(json.dumps(results, indent=1))
    else:
        for compiler, table in results.items():
            for case, row in table.items():
                for name, value in row.items():
                    print(f"{compiler:8} {case:8} {name:20} {value['all']:8.2f} instructions a pair, "
                          f"{value['called']:8.2f} of them in functions that are called")
    faults = over_budget(results, chosen.budget)
    for fault in faults:
        print(f"instructions.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
