#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What recording costs: CPU time (user + system, children included) under `tarn record` over the same without,
beside heaptrack, in turns.

    bench/record/overhead.py --tarn build/release/bin/tarn [--rounds N] [--json FILE] [NAME...]

Programs that do little but allocate (perl counting words, a Lua script building trees) and the C compiler on a large
generated file. heaptrack runs twice: as it is by default, interpreting while it records, and with --raw. Prints the
medians of the ratios within a round, with the smallest and greatest, and the bytes an event of Tarn's traces.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

PERL = """my %c; for my $r (1..3) { open my $f, '<', $ARGV[0] or die; while (<$f>) { $c{lc $_}++ for split /\\W+/ } }
my @k = sort { $c{$b} <=> $c{$a} } keys %c; print scalar(@k), "\\n";
"""
LUA = """local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
local function count(t) if t[1] then return 1 + count(t[1]) + count(t[2]) else return 1 end end
local sum = 0
for i = 1, 100 do sum = sum + count(tree(13)) end
print(sum)
"""
FUNCTION = """static int f%(i)d(int *a, int n, const char *s) { int r = %(i)d;
  for (int k = 0; k < n; k++) { if (a[k] %% %(m)d == 0) r += a[k] * %(i)d; else { r ^= (int)strlen(s) + k;
    switch (r & 7) { case 0: r += 3; break; case 1: r *= 5; break; case 3: a[k] = r; break; default: r -= k; } } }
  while (r > 1000) r /= %(d)d; return r; }
"""


def text(root, folder):
    """Some 6 MB of real text: this repository's sources, over and over."""
    out = folder / "text"
    parts = b"".join(p.read_bytes() for p in sorted(root.rglob("*.[ch]")) if "build" not in p.parts)
    out.write_bytes(parts * max(1, 6_000_000 // len(parts)))
    return str(out)


def c_file(folder):
    lines = ["#include <stdio.h>\n#include <string.h>\n"]
    lines += [FUNCTION % {"i": i, "m": i % 7 + 2, "d": i % 5 + 2} for i in range(400)]
    lines += ["int main(void) { int a[64] = {0}, r = 0;\n"]
    lines += [f'r += f{i}(a, 64, "x{i}");\n' for i in range(400)]
    lines += ['printf("%d\\n", r); return 0; }\n']
    (folder / "large.c").write_text("".join(lines))
    return str(folder / "large.c")


def programs(root, folder):
    (folder / "words.pl").write_text(PERL)
    (folder / "trees.lua").write_text(LUA)
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "perl": ["perl", str(folder / "words.pl"), text(root, folder)],
        "lua": ["lua5.4", str(folder / "trees.lua")],
        "cc1 -O2": [cc1, "-quiet", "-O2", c_file(folder), "-o", "/dev/null"],
    }


def cpu(command):
    """Seconds of CPU time of the command and all it waited for."""
    null = os.open(os.devnull, os.O_RDWR)
    pid = os.posix_spawnp(command[0], command, os.environ,
                          file_actions=[(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)])
    _, status, usage = os.wait4(pid, 0)
    os.close(null)
    if status != 0:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return usage.ru_utime + usage.ru_stime


def measure(tarn, name, command, rounds, folder):
    trace = folder / "trace.tarn"
    contenders = {"plain": command, "tarn": [tarn, "record", "-q", "-o", str(trace), "--", *command]}
    if shutil.which("heaptrack"):
        contenders["heaptrack"] = ["heaptrack", "-o", str(folder / "ht"), *command]
        contenders["heaptrack --raw"] = ["heaptrack", "--raw", "-o", str(folder / "ht"), *command]
    times = {label: [] for label in contenders}
    for turn in range(rounds):
        order = list(contenders)
        for label in order if turn % 2 == 0 else reversed(order):
            times[label].append(cpu(contenders[label]))
            for left in folder.glob("ht*"):
                left.unlink()
        print(f"{name}: round {turn + 1} of {rounds}", file=sys.stderr)
    info = json.loads(subprocess.run([tarn, "info", "--json", str(trace)], capture_output=True, check=True).stdout)
    row = {"program": name, "plain_seconds": statistics.median(times["plain"]), "events": info["events"],
           "bytes_per_event": info["bytes_per_event"]}
    for label in list(contenders)[1:]:
        ratios = [t / p for t, p in zip(times[label], times["plain"])]
        row[label] = {"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    return row


def print_table(rows):
    labels = [key for key, value in rows[0].items() if isinstance(value, dict)]
    print("program".ljust(10) + "plain".rjust(9) + "events".rjust(12) + "B/event".rjust(9) +
          "".join(label.rjust(24) for label in labels))
    for row in rows:
        cells = [f"{row[label]['ratio']:.2f} ({row[label]['low']:.2f}-{row[label]['high']:.2f})" for label in labels]
        print(row["program"].ljust(10) + f"{row['plain_seconds']:.2f} s".rjust(9) + f"{row['events']:,}".rjust(12) +
              f"{row['bytes_per_event']:.2f}".rjust(9) + "".join(cell.rjust(24) for cell in cells))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tarn", required=True, help="the tarn command, of an optimised build")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--json", help="write the numbers there")
    ap.add_argument("names", nargs="*", metavar="NAME", help="perl, lua, 'cc1 -O2' (default: all)")
    args = ap.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        chosen = {n: c for n, c in programs(root, folder).items() if not args.names or n in args.names}
        rows = [measure(os.path.abspath(args.tarn), n, c, args.rounds, folder) for n, c in chosen.items()]
    print_table(rows)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=2) + "\n")


main()
