"""A worker killed at one message of its rounds after the other: wherever it is lost, in the sums, in the sharing of them, or
before all know that the round has taken place, the others go on with every step, and no round comes twice."""

import re
import shutil
import signal
import subprocess
import unittest

from test_elastic import ElasticTest

from program import with_flags

STEPS = 200
FLAGS = ("--steps", STEPS, "--model", "mlp-512-256", "--elastic", "2:3", "--keep-checkpoints", 1,
         "--evaluate-every", 0, "--test-samples", 100)  # fmt: skip
MESSAGES = range(1, 25)


class KillInARound(ElasticTest):
    def test_each(self):
        killed = 0
        for message in MESSAGES:
            with self.subTest(message=message):
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                process = self.begin(*with_flags(FLAGS, "--algorithm", ("dppf", "slowmo", "easgd")[message % 3]))
                victim = self.workers(process)[1]
                strace = subprocess.run(
                    ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(victim), "--trace=sendmsg",
                     f"--inject=sendmsg:signal=KILL:when={message}"],
                    capture_output=True, text=True, timeout=120)  # fmt: skip
                code, out, err = self.finish(process)
                self.assertEqual(code, 0, err + strace.stderr)
                if re.search(rf"\(pid {victim}\) died with signal {int(signal.SIGKILL)} ", err):
                    killed += 1
                    self.assertRegex(err, r"(?m)^2 of 3 workers go on after step \d+$")
                self.assert_whole(STEPS)
                self.assert_none_left()
        print(f"killed at {killed} messages", flush=True)
        self.assertGreater(killed, len(MESSAGES) // 2)


if __name__ == "__main__":
    unittest.main()
