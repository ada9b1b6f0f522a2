#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`tarn record` as a user types it: what it must not touch, what it must survive, one line when it refuses.

usage: record_test.py TARN
"""

import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

TARN = ""


def record(*words, **more):
    return subprocess.run([TARN, "record", *words], capture_output=True, text=True, timeout=20, **more)


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.trace = os.path.join(self.folder, "t.tarn")

    def refused(self, result, status=125):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("tarn: "), result.stderr)

    def test_what_is_no_regular_file_is_left_alone(self):
        pipe, folder = os.path.join(self.folder, "pipe"), os.path.join(self.folder, "folder")
        os.mkfifo(pipe)
        os.mkdir(folder)
        link = os.path.join(self.folder, "link")  # stands for the device: nobody's own is put at risk
        os.symlink("/dev/null", link)
        for path in pipe, folder, link:
            before = os.lstat(path)
            self.refused(record("-o", path, "--", "true"))
            self.assertEqual(os.lstat(path).st_ino, before.st_ino)
        self.assertEqual(sorted(os.listdir(self.folder)), ["folder", "link", "pipe"])

    def test_bad_options_are_one_line(self):
        self.refused(record("--bogus", "--", "true"))
        self.refused(record("-o"))
        for words in ["--bogus"], ["--top"]:
            self.refused(subprocess.run([TARN, "info", *words], capture_output=True, text=True, timeout=20))

    def test_bad_numbers_are_one_line(self):
        for option in ["info", "--top"], ["replay", "--runs"]:
            for number in "-1", "", "x", "3x", " 3", "+3", " -18446744073709551613", "4294967299", "9" * 40:
                result = subprocess.run([TARN, *option, number, "/dev/null"], capture_output=True, text=True,
                                        timeout=20)
                self.refused(result)
                self.assertIn(option[1], result.stderr)  # it is the number, not the file

    def build(self, name, text, *options):
        source, program = os.path.join(self.folder, name + ".c"), os.path.join(self.folder, name)
        with open(source, "w") as file:
            file.write(text)
        subprocess.run([os.environ.get("CC", "cc"), *options, "-o", program, source], check=True, timeout=60,
                       cwd=self.folder)
        return program

    def test_sanitizers_are_refused(self):
        main = "int main(void) { return 0; }"
        for tag, name in [("asan", "AddressSanitizer"), ("tsan", "ThreadSanitizer"), ("lsan", "LeakSanitizer")]:
            for library in f"lib{tag}.so.8", f"libclang_rt.{tag}-x86_64.so":  # stand-ins: the names decide
                self.build(library, "", "-shared", "-Wl,-soname," + library)
                program = self.build("needs", main, "-Wl,--no-as-needed", f"-L{self.folder}", "-l:" + library)
                result = record("-o", self.trace, "--", program)
                self.refused(result)
                self.assertIn(f"brings {name}, which replaces malloc itself", result.stderr)
            for options in [], ["-rdynamic"], ["-rdynamic", "-s"]:
                program = self.build("has", f"void __{tag}_init(void) {{}} {main}", *options)
                result = record("-o", self.trace, "--", program)
                self.refused(result)
                self.assertIn(f"brings {name}, ", result.stderr)
        asks = "void __asan_init(void) __attribute__((weak)); int main(void) { return __asan_init ? 1 : 0; }"
        result = record("-o", self.trace, "--", self.build("asks", asks, "-rdynamic"))  # knows of it, lacks it
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_program_headers_far_into_the_file(self):
        program = self.build("far", "int main(void) { return 7; }")
        with open(program, "r+b") as file:
            data = file.read()
            at, (size, count) = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<HH", data, 54)
            segments = [list(struct.unpack_from("<IIQQQQQQ", data, at + i * size)) for i in range(count)]
            end = max([len(data)] + [s[3] + s[6] for s in segments if s[0] == 1])
            new = (end + 0xffff) & ~0xffff  # the same offset and address: a loaded segment of its own
            note = next(s for s in segments if s[0] == 4)
            segments.remove(note)
            last = max(i for i, s in enumerate(segments) if s[0] == 1)
            segments.insert(last + 1, [1, 4, new, new, new, size * count, size * count, 0x1000])
            for s in segments:
                if s[0] == 6:
                    s[2:5] = [new] * 3
            file.seek(new)
            file.write(b"".join(struct.pack("<IIQQQQQQ", *s) for s in segments))
            file.seek(32)
            file.write(struct.pack("<Q", new))
        self.assertEqual(subprocess.run([program], timeout=20).returncode, 7)
        self.assertEqual(record("-q", "-o", self.trace, "--", program).returncode, 7)
        self.assertTrue(os.path.exists(self.trace))

    def test_ignored_sigchld(self):
        result = record("-o", self.trace, "--", "sh", "-c", "exit 3",
                        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(result.returncode, 3, result.stderr)
        result = record("-o", self.trace, "--", "grep", "SigIgn", "/proc/self/status",
                        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        ignored = int(result.stdout.split()[1], 16)  # the program has it as it was inherited
        self.assertTrue(ignored >> (signal.SIGCHLD - 1) & 1, result.stdout)

    def test_a_forked_child_that_leaves_by_underscore_exit_is_complete(self):
        script = "import os\nif os.fork(): os.wait()\nelse: os._exit(bytearray(9999)[0])"
        self.assertEqual(record("-o", self.trace, "--", sys.executable, "-c", script).returncode, 0)
        traces = os.listdir(self.folder)
        self.assertEqual(len(traces), 2, traces)
        for name in traces:
            told = subprocess.run([TARN, "info", os.path.join(self.folder, name)], capture_output=True, text=True,
                                  timeout=20)
            self.assertEqual(told.returncode, 0, told.stderr)

    def test_limit_of_file_sizes_does_not_kill(self):
        for limit in 1000, 100000, 600000:
            result = record("-o", self.trace, "--", "sh", "-c", "echo alive",
                            preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
            self.assertEqual(result.stdout, "alive\n", (limit, result.stderr))
            self.assertEqual(result.returncode, 0 if limit > 500000 else 125, result.stderr)
            self.assertEqual(os.path.exists(self.trace), limit > 500000)


if __name__ == "__main__":
    TARN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
