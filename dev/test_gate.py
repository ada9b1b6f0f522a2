#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test of the gate: on a small clean tree every check is silent; with one fault, exactly the right ones speak.

The tree is made in a temporary folder from dev/gate_seeds.py, with this project's own rules (layers.txt,
.clang-format, .clang-tidy) and compiler warnings. --only NAME runs the seeds whose name contains NAME.
"""
import concurrent.futures
import contextlib
import io
import pathlib
import re
import runpy
import shutil
import sys
import tempfile

import check_instructions
import check_longest
import gate_seeds
import gatelib

DEV = pathlib.Path(__file__).resolve().parent
CODE = (".c", ".h", ".hpp")
# What each check reads. A check that reads nothing a seed has changed says what it said of the clean tree.
INPUTS = {
    "layers": CODE, "headers": (".h", ".hpp"), "docs": (".h",), "tests": CODE, "text": ("",), "style": CODE,
    "version": ("CMakeLists.txt", "config.h", "CHANGELOG.md"), "links": ("",), "man": (".1",),
    "snippets": (*CODE, ".md"), "symbols": CODE, "tidy": (".c", ".h"),
}
BUILT = ("snippets", "symbols", "tidy")


def warnings():
    """The warnings of cmake/TarnFlags.cmake: what the development build is compiled with."""
    text = (DEV.parent / "cmake/TarnFlags.cmake").read_text()
    return re.findall(r"-W[a-z][\w-]*", re.sub(r"-Wl,\S+|-Werror", "", text.split("function(")[0]))


def plant(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("dev/layers.txt", ".clang-format", ".clang-tidy"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEV.parent / name, root / name)


def build(root, link):
    """Compiles the tree's library as the development build does; (ok, text)."""
    out = root / "build"
    out.mkdir(exist_ok=True)
    sources = [str(path) for path in gatelib.files(root, ".c", below=("src",))]
    flags = ["-std=gnu11", "-fPIC", "-fvisibility=hidden", "-Werror", *warnings(), f"-I{root}/include", f"-I{root}/src"]
    commands = [["gcc", *flags, "-c", source, "-o", f"{out}/{n}.o"] for n, source in enumerate(sources)]
    objects = [command[-1] for command in commands]
    commands.append(["ar", "rcs", f"{out}/libtarn.a", *objects])
    commands.append(["gcc", "-shared", "-o", f"{out}/libtarn.so", *objects, *link.replace("@", str(out)).split()])
    other = ["gcc", "-shared", "-fPIC", "-x", "c", "/dev/null", "-o", f"{out}/libother.so"]
    for command in [other] + commands:
        done = gatelib.run(command)
        if done.returncode != 0:
            return False, done.stderr
    entries = ", ".join(f'{{"directory": "{root}", "file": "{source}", "arguments": '
                        f'["gcc", "-std=gnu11", "-I{root}/include", "-I{root}/src", "-c", "{source}"]}}' for source in sources)
    (out / "compile_commands.json").write_text(f"[{entries}]")
    return True, ""


def checks(root, seed):
    """(check, failed, output) of every check on the tree; what needs the build is left out when that fails."""
    ok, text = build(root, seed.link)
    yield "build", not ok, text
    wanted = {name: [] for name in INPUTS}
    if not ok:
        for name in BUILT:
            del wanted[name]
    else:
        wanted["snippets"] = ["--lib", f"{root}/build/libtarn.a"]
        wanted["symbols"] = ["--shared", f"{root}/build/libtarn.so", "--archive", f"{root}/build/libtarn.a"]
        if seed.recorder:
            wanted["symbols"] += ["--recorder", recorder(root, seed.recorder)]
        wanted["tidy"] = ["--build", f"{root}/build"] + ([] if seed.thorough else ["--quick"])
    for name, arguments in wanted.items():
        if seed.edits and not any(edit[0].endswith(INPUTS[name]) for edit in seed.edits):
            continue
        yield name, *check(name, ["--root", str(root), *arguments])


def check(name, arguments):
    """Runs one check in this process, where an interpreter need not start; (failed, output)."""
    output, sys.argv = io.StringIO(), [f"check_{name}.py", *arguments]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            runpy.run_path(str(DEV / f"check_{name}.py"), run_name="__main__")
        except SystemExit as end:
            if isinstance(end.code, str):
                output.write(end.code)
            return end.code not in (None, 0), output.getvalue()
    return False, output.getvalue()


def recorder(root, names):
    text = "".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in names)
    gatelib.run(["gcc", "-fno-builtin", "-w", "-shared", "-fPIC", "-x", "c", "-", "-o", f"{root}/build/rec.so"], input=text)
    return f"{root}/build/rec.so"


def judge(seed):
    with tempfile.TemporaryDirectory(prefix="tarn-gate-") as folder:
        root = pathlib.Path(folder).resolve()
        files = dict(gate_seeds.TREE)
        for name, old, new in seed.edits:
            if old is None:
                files[name] = new
            elif old not in files[name]:
                return [f"{seed.name}: the seed does not fit the tree: {name} has no {old!r}"]
            else:
                files[name] = files[name].replace(old, new, 1)
        plant(root, files)
        results = list(checks(root, seed))
    caught = {name for name, failed, _ in results if failed}
    output = "\n".join(text for _, failed, text in results if failed)
    faults = []
    if caught != seed.caught_by:
        faults.append(f"{seed.name}: caught by {sorted(caught)}, expected {sorted(seed.caught_by)}\n{output}")
    elif seed.says not in output:
        faults.append(f"{seed.name}: the report lacks {seed.says!r}\n{output}")
    return faults


def test_budgets():
    """The instruction budgets judge counts that are made up here; counting takes a library."""
    table = {"pair": {"gcc": 10.0, "clang": 30.0, "limit": 28.0}}
    cases = [([("gcc", "pair", 10.0)], []), ([("gcc", "pair", 10.1)], ["budget 10"]),
             ([("clang", "pair", 29.0)], ["budget 28"]), ([], ["no probe pair"]),
             ([("gcc", "pair", 9.0), ("gcc", "new", 1.0)], ["no budget for new"])]
    for measured, expected in cases:
        faults = check_instructions.judge(table, measured)
        if len(faults) != len(expected) or not all(words in fault for words, fault in zip(expected, faults)):
            yield f"instructions: {measured} gives {faults}"


def test_promises():
    """The same for the longest operations."""
    table = check_longest.promises("#define TARN_TLSF_FREE_MOST    160\n")
    for most, words in ((160, None), (80, None), (161, "promised are 160"), (79, "no operation took half")):
        faults = check_longest.judge(table, [("gcc", {"FREE": most}, {})])
        if len(faults) != (words is not None) or (words and words not in faults[0]):
            yield f"longest: {most} gives {faults}"


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--only", default="")
    args = ap.parse_args()
    seeds = [seed for seed in gate_seeds.SEEDS if args.only in seed.name]
    with concurrent.futures.ProcessPoolExecutor(2) as workers:
        faults = [fault for found in workers.map(judge, seeds) for fault in found]
    faults += test_budgets()
    faults += test_promises()
    gatelib.finish("gate", faults, f"{len(seeds)} seeded trees judged as they should be")


main()
