"""Workers on two machines: network namespaces with names and addresses of their own."""

import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

from program import TIMEOUT, TINY, VALLEY, ProgramTest, environment, has_mpi, with_flags

SCRIPT = pathlib.Path(__file__).resolve().parent / "network.sh"
UNSHARE = ["unshare", "--mount", "--net", "--uts", "--user", "--map-root-user"]


def why_not():
    """Why there can be no namespaces, or "". Whatever else fails is a failure of the test."""
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            raise RuntimeError(f"{tool} is missing; scripts/setup.sh --tests installs it")
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True)
    if tried.returncode == 0:
        return ""
    return f"this kernel gives no namespaces: {tried.stderr.strip()}"


REASON = why_not()
if REASON:
    print(f"SKIPPED: {REASON}", flush=True)


@unittest.skipIf(REASON, REASON)
class Lab(ProgramTest):
    LOCALHOST = "127.0.0.1 localhost\n::1 localhost\n"
    # As the installer of Debian leaves it: a machine's own name leads to 127.0.1.1.
    STOCK = {"a": LOCALHOST + "127.0.1.1 node-a\n10.77.0.2 node-b\n",
             "b": LOCALHOST + "127.0.1.1 node-b\n10.77.0.1 node-a\n"}  # fmt: skip
    # A container, often: its name stands nowhere.
    NAMELESS = {"a": LOCALHOST, "b": LOCALHOST}

    def run_lab(self):
        """Runs what has been put on the machines; their (code, stdout, stderr)."""
        lab = subprocess.run([*UNSHARE, SCRIPT, self.folder], env=environment(), capture_output=True,
                             text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)  # fmt: skip
        self.assertEqual((lab.returncode, lab.stdout, lab.stderr), (0, "", ""))
        return [
            (int((self.folder / name / "code").read_text()), (self.folder / name / "out").read_text(),
             (self.folder / name / "err").read_text())
            for name in "ab"
        ]  # fmt: skip


class TwoMachines(Lab):
    FLAGS = (*TINY, "--steps", 8, "--period", 4, "--evaluate-every", 0, "--timeout", 60)

    def machines(self, master, hosts, flags=((), ()), env=None, tokens=(None, None)):
        """Runs one worker on each; their (code, stdout, stderr)."""
        for rank, name in enumerate("ab"):
            folder = self.folder / name
            folder.mkdir()
            (folder / "name").write_text(f"node-{name}\n")
            (folder / "hosts").write_text(hosts[name])
            flags_here = with_flags(self.FLAGS, "--out", f"run-{name}", *flags[rank])
            command = [VALLEY, "train", *map(str, flags_here)]
            variables = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": master} | (env or {})
            if tokens[rank]:
                variables["VALLEY_TOKEN"] = tokens[rank]
            (folder / "run").write_text(
                "".join(f"export {k}={shlex.quote(str(v))}\n" for k, v in variables.items())
                + shlex.join(command) + "\n")  # fmt: skip
        return self.run_lab()

    def assert_trained(self, results, listening):
        self.assertEqual([result[0] for result in results], [0, 0], results)
        lines = re.findall(r"^worker \d: (.*)$", results[0][2] + results[1][2], re.MULTILINE)
        self.assertEqual(lines, [f"listening at {listening}"])
        self.assertNotIn("c10d", results[0][2] + results[1][2])
        self.assertEqual(self.summary("run-a")["workers"], 2)

    CABLE = "10.77.0.1 (cable-a; rank 0), 10.77.0.2 (cable-b; rank 1)"

    def test_own_names_lead_to_loopback(self):
        self.assert_trained(self.machines("10.77.0.1", self.STOCK), self.CABLE)

    def test_the_masters_own_name_leads_to_loopback(self):
        self.assert_trained(self.machines("node-a:29501", self.STOCK), self.CABLE)

    def test_own_names_lead_nowhere(self):
        self.assert_trained(self.machines("tcp://[fd77::1]", self.NAMELESS),
                            "fd77::1 (cable-a; rank 0), fd77::2 (cable-b; rank 1)")  # fmt: skip

    TOKEN = "the secret of this job, and of no other"

    def test_token(self):
        self.assert_trained(self.machines("10.77.0.1", self.STOCK, tokens=(self.TOKEN, self.TOKEN)), self.CABLE)

    def test_token_over_ipv6(self):
        self.assert_trained(self.machines("fd77::1", self.NAMELESS, tokens=(self.TOKEN, self.TOKEN)),
                            "fd77::1 (cable-a; rank 0), fd77::2 (cable-b; rank 1)")  # fmt: skip

    def test_another_token(self):
        wait = ("--timeout", 5)
        (code, out, err), (other_code, other_out, other_err) = self.machines(
            "10.77.0.1", self.STOCK, flags=(wait, wait), tokens=(self.TOKEN, self.TOKEN[::-1]))  # fmt: skip
        self.assertEqual((other_code, other_out), (2, ""))
        self.assertEqual(other_err.splitlines()[-1], "valley: this worker's token is not that of the store at "
                                                     "10.77.0.1:29500: the token was refused there")  # fmt: skip
        self.assertEqual((code, out), (3, ""))
        self.assertIn("worker 0: somebody from 10.77.0.2 was refused: without the job's token\n", err)
        self.assertRegex(err.splitlines()[-1], r"^valley: rank 1 did not join within [0-9.]+ s")

    def test_interface(self):
        results = self.machines("10.77.0.1", self.STOCK, flags=(("--interface", "cable-a"), ()),
                                env={"GLOO_SOCKET_IFNAME": "cable-b"})  # fmt: skip
        self.assert_trained(results, self.CABLE)

    def test_unknown_interface(self):
        results = self.machines("10.77.0.1", self.STOCK, env={"GLOO_SOCKET_IFNAME": "eth7"})
        for name, (code, out, err) in zip("ab", results):
            number = "ab".index(name) + 1
            self.assertEqual((code, out), (2, ""))
            self.assertRegex(
                err,
                r"valley: GLOO_SOCKET_IFNAME=eth7: no such network interface is up and has an address; "
                rf"here are lo \(127.0.0.1, ::1\), cable-{name} \(10.77.0.{number}, fd77::{number}\)\n$"
            )  # fmt: skip

    def test_unknown_master(self):
        results = self.machines("node-c", self.STOCK, flags=(("--timeout", 3), ("--timeout", 3)))
        for rank, (code, out, err) in enumerate(results):
            self.assertEqual((code, out), (3, ""))
            waiting, error = err.splitlines()[-2:]
            reason = r"(Name or service not known|Temporary failure in name resolution)"
            self.assertRegex(waiting, rf"^worker {rank}: waiting for 'node-c' \(MASTER_ADDR\) to be "
                                      rf"resolved: {reason}$")  # fmt: skip
            self.assertRegex(error, r"^valley: cannot resolve 'node-c' \(MASTER_ADDR\) after [0-9.]+ s: "
                                    rf"{reason}$")  # fmt: skip
            self.assertEqual(len(err.splitlines()), 3 if rank == 0 and "says" in err else 2, err)

    @unittest.skipUnless(has_mpi(), "this program was built without MPI")
    def test_mpirun(self):
        """Both workers of an mpirun on the first machine, which reaches the other as by ssh."""
        agent = self.folder / "agent"
        agent.write_text('#!/bin/bash\nshift\nexec ip netns exec b unshare --uts bash -c "hostname node-b; $*"\n')
        agent.chmod(0o755)
        mpirun = ("mpirun", "--allow-run-as-root", "--host", "node-a:1,node-b:1", "--mca", "plm_rsh_agent", agent,
                  "-n", 2, VALLEY, "train", *self.FLAGS, "--backend", "mpi", "--out", "run-a")  # fmt: skip
        for name, run in (("a", shlex.join(map(str, mpirun))), ("b", "true")):
            (self.folder / name).mkdir()
            (self.folder / name / "name").write_text(f"node-{name}\n")
            (self.folder / name / "hosts").write_text(self.LOCALHOST + "10.77.0.1 node-a\n10.77.0.2 node-b\n")
            (self.folder / name / "run").write_text(run + "\n")
        (code, out, err), _ = self.run_lab()
        self.assertEqual(code, 0, out + err)
        self.assertIn("worker 0: talking through ", err)
        self.assertEqual(self.summary("run-a")["backend"], "mpi")


if __name__ == "__main__":
    unittest.main()
