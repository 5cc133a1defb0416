"""What Prometheus sees of a run."""

import socket
import unittest
import urllib.error
import urllib.request

from program import TINY, ProgramTest, with_flags


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Metrics(ProgramTest):
    def read(self, port):
        """What is answered, or "" while nobody does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
                return answer.read().decode()
        except urllib.error.URLError:
            return ""

    def test_port(self):
        for launch in ("threads", "processes"):
            port = free_port()
            process = self.start("train", *with_flags(TINY, "--launch", launch, "--steps", 10**6), "--out", launch,
                                 "--metrics-port", port, "--metrics-file", "run.prom")  # fmt: skip
            self.wait_until(lambda port=port: "\nvalley_steps{" in self.read(port), process)
            text = self.read(port)
            self.assertIn(f'valley_steps_wanted{{run="{launch}"}} 1000000\n', text)
            names = [[line.split("{")[0] for line in some.splitlines() if "{" in line]
                     for some in (text, (self.folder / "run.prom").read_text())]  # fmt: skip
            self.assertEqual(*names)
            code, _, err = self.interrupt(process)
            self.assertEqual(code, 4, err)
            self.assertEqual(self.read(port), "")
            self.assertNotIn("metrics", (self.folder / launch / "config.toml").read_text())

    def test_refused(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            line = f"--metrics-port {port}: cannot listen at 127.0.0.1: Address already in use"
            for launch in ("threads", "processes"):
                self.refuse(line, "train", *with_flags(TINY, "--launch", launch), "--out", "run",
                            "--metrics-port", port)  # fmt: skip
        self.refuse("--metrics-port must be PORT or ADDRESS:PORT with a port from 1 to 65535, got '0'",
                    "train", *TINY, "--out", "run", "--metrics-port", "0")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
