"""Workers that come and go on two machines with a launcher each: network namespaces, of which one is killed, comes
later, freezes or is cut off. Both see the run folder."""

import shlex

import test_network
from program import TINY, VALLEY, with_flags

# Words of the machines' scripts.
TRAINED = "until ls run/checkpoints/step-*/manifest.json > /dev/null 2>&1; do sleep 0.02; done\n"
START = '"${train[@]}" &\nlauncher=$!\n'
END = "wait $launcher\n"


class ElasticMachines(test_network.Lab):
    STEPS = 4000
    FLAGS = with_flags(TINY, "--model", "mlp-16-8", "--batch-size", 16, "--lr", 0.01, "--workers", 4, "--elastic", "2:4",
                       "--period", 4, "--evaluate-every", 20, "--checkpoint-every", 20, "--timeout", 6,
                       "--steps", STEPS, "--out", "run")  # fmt: skip

    def launch(self, a, b, *flags, env=None):
        """Each machine runs its script, in which `train` is the command of its launcher."""
        for number, (name, script) in enumerate(zip("ab", (a, b))):
            folder = self.folder / name
            folder.mkdir()
            (folder / "name").write_text(f"node-{name}\n")
            (folder / "hosts").write_text(self.STOCK[name])
            variables = {"RANK": number, "WORLD_SIZE": 2, "MASTER_ADDR": "10.77.0.1"} | (env or {})
            command = [VALLEY, "train", *map(str, with_flags(self.FLAGS, *flags))]
            (folder / "run").write_text(
                "".join(f"export {k}={shlex.quote(str(v))}\n" for k, v in variables.items())
                + f"train=({shlex.join(command)})\n"
                # What it says to itself does not go with the cable.
                + f"ip address add 10.77.0.{number + 1}/32 dev lo\n" + script)  # fmt: skip
        return self.run_lab()

    def assert_trained(self, result, *groups):
        """The run is whole, and was done by groups of these sizes, in one of these orders, behind the first."""
        code, out, err = result
        self.assertEqual(code, 0, err)
        self.assertEqual(self.summary("run")["steps"], self.STEPS)
        self.assertEqual(self.summary("run")["status"], "finished")
        self.assertGreater(self.summary("run")["test_accuracy"], 0.5)
        metrics = self.metrics("run")
        self.assertEqual([r["step"] for r in metrics if "distances" in r], list(range(4, self.STEPS + 1, 4)))
        self.assertIn([r["workers"] for r in metrics if "workers" in r], groups, err)
        self.assert_none_left()

    def test_together(self):
        a, b = self.launch(START + END, START + END)
        self.assert_trained(a, [])
        self.assertEqual(b[0], 0, b)
        self.assertEqual(self.summary("run")["workers"], 4)

    def test_with_a_token(self):
        a, b = self.launch(START + END, START + END, "--steps", 200,
                           env={"VALLEY_TOKEN": "the secret of this job, and of no other"})  # fmt: skip
        self.assertEqual((a[0], b[0]), (0, 0), a[2] + b[2])
        self.assertNotIn("the secret", a[2] + b[2] + a[1] + b[1])

    def test_a_machine_dies(self):
        a, b = self.launch(START + END, START + TRAINED + "kill -KILL $launcher\n" + END)
        self.assert_trained(a, [2])
        self.assertRegex(a[2], r"(?m)^2 of 4 workers go on after step \d+$")
        self.assertIn("valley: machine 1 was silent for 6 s: its workers are done without\n", a[2])
        self.assertEqual(b[0], 137, b)

    def test_a_machine_comes_later(self):
        a, b = self.launch(START + END, TRAINED + START + END)
        self.assert_trained(a, [4], [3, 4])
        self.assertEqual(b[0], 0, b)

    def test_a_worker_dies(self):
        """The launcher of its machine starts another."""
        a, b = self.launch(START + END, START + TRAINED + "kill -KILL $(pgrep -P $launcher | head -1)\n" + END)
        self.assertEqual(b[0], 0, b)
        self.assertRegex(b[2], r"(?m)^valley: worker \d \(pid \d+\) died with signal 9 \(Killed\)$")
        self.assertRegex(b[2], r"(?m)^valley: worker \d starts again \(pid \d+\)$")
        self.assertEqual(a[0], 0, a)
        groups = [r["workers"] for r in self.metrics("run") if "workers" in r]
        self.assertIn(groups, ([3], [3, 4]))

    def test_cut_off(self):
        """The side of the store trains on, the other ends, and writes nothing any more."""
        cut = "ip link set cable-b down\n"
        a, b = self.launch(START + END, START + TRAINED + cut + END)
        self.assert_trained(a, [2])
        self.assertIn("valley: machine 1 was silent for 6 s: its workers are done without\n", a[2])
        self.assertEqual(b[0], 3, b)
        self.assertIn("valley: the store at 10.77.0.1:29500 is gone: the workers of this machine are ended\n", b[2])

    def test_frozen_and_awake_again(self):
        """A whole machine that was silent and comes back hears that it was done without."""
        workers = "$launcher $(pgrep -P $launcher)"
        freeze = f"all=({workers})\nkill -STOP ${{all[@]}}\nsleep 12\nkill -CONT ${{all[@]}}\n"
        a, b = self.launch(START + END, START + TRAINED + freeze + END, "--steps", 12000)
        self.assertEqual(a[0], 0, a)
        self.assertIn("valley: machine 1 was silent for 6 s: its workers are done without\n", a[2])
        self.assertEqual(self.summary("run")["steps"], 12000)
        self.assertEqual(b[0], 3, b)
        self.assertIn("valley: this machine was not heard of in time: the others go on without it\n", b[2])

    def test_too_few_are_left(self):
        a, b = self.launch(START + END, START + TRAINED + "kill -KILL $launcher\n" + END, "--elastic", "3:4")
        self.assertEqual(a[0], 3, a)
        self.assertIn("valley: 2 workers are left, fewer than the run needs", a[2])
        self.assertTrue(self.checkpoints("run"))

    def test_a_folder_of_its_own(self):
        a, b = self.launch(START + END, "mkdir -p run\nmount -t tmpfs tmpfs run\n" + START + END,
                           "--elastic", "1:4", "--steps", 200)  # fmt: skip
        self.assertEqual(a[0], 0, a)
        self.assertEqual(b[0], 2, b)
        self.assertRegex(b[2], r"valley: .*/run/config.toml: not on this machine; of several that train together all must "
                               r"see the run folder\n$")  # fmt: skip


if __name__ == "__main__":
    import unittest

    unittest.main()
