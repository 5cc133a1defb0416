"""Every public header compiles on its own, with what `pkg-config --cflags valley` says."""

import concurrent.futures
import os
import pathlib
import subprocess
import unittest

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "include"
BUILD = pathlib.Path(os.environ["VALLEY"]).resolve().parents[1]


class Headers(unittest.TestCase):
    def test_each_alone(self):
        flags = subprocess.run(
            ["pkg-config", f"--define-variable=includedir={INCLUDE}", "--cflags", "valley"], check=True,
            capture_output=True, text=True,
            env={**os.environ, "PKG_CONFIG_PATH": str(BUILD / "pkgconfig")},
        ).stdout.split()  # fmt: skip

        def complaints(header):
            command = ["g++", "-std=c++20", "-fsyntax-only", "-x", "c++", *flags, "-include", header, os.devnull]
            return subprocess.run(command, capture_output=True, text=True).stderr

        headers = sorted(INCLUDE.rglob("*.h"))
        self.assertGreater(len(headers), 100)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for header, said in zip(headers, pool.map(complaints, headers)):
                with self.subTest(header.relative_to(INCLUDE)):
                    self.assertEqual(said, "")


if __name__ == "__main__":
    unittest.main()
