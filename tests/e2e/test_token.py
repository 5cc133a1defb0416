"""Workers that show each other a token, and strangers at their door."""

import os
import pathlib
import socket
import unittest

from program import TINY, ProgramTest, has_mpi, with_flags

TOKEN = "the secret of this job, and of no other"
OTHER = "a secret of another job, which is as long"
FLAGS = with_flags(TINY, "--period", 4, "--evaluate-every", 0, "--timeout", 60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TokenTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        (self.folder / "token").write_text(TOKEN + "\n")

    def worker(self, rank, token, *flags):
        """A worker of two, started by hand; without a token where that is None."""
        env = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": str(self.port)}
        if token is not None:
            env["VALLEY_TOKEN"] = token
        return self.start("train", *FLAGS, "--out", f"run-{rank}", *flags, env=env)

    def listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def assert_nowhere(self, *texts):
        """The token is in no file, and in none of the texts."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "token":
                self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)
        for text in texts:
            self.assertNotIn(TOKEN, text)


class Token(TokenTest):
    def test_strangers_are_refused_and_the_job_goes_on(self):
        flags = ("--steps", 3000, "--checkpoint-every", 20)
        first = self.worker(0, None, "--token-file", "token", *flags)
        self.wait_until(self.listening, first)
        where = f"the store at 127.0.0.1:{self.port}"

        def refused(token, line):
            code, out, err = self.finish(self.worker(1, token, *flags))
            self.assertEqual((code, out), (2, ""), err)
            self.assertEqual(err, f"valley: {line}\n")

        refused(OTHER, f"this worker's token is not that of {where}: the token was refused there")
        refused(None, f"{where} asks for a token, and this worker has none: --token-file FILE, or VALLEY_TOKEN")
        second = self.worker(1, TOKEN, *flags)
        self.wait_for_checkpoint("run-0", first)
        refused(OTHER, f"this worker's token is not that of {where}: the token was refused there")
        results = [self.finish(worker) for worker in (first, second)]
        self.assertEqual([result[0] for result in results], [0, 0], results)
        self.assertEqual(results[0][2].count("somebody from 127.0.0.1 was refused: without the job's token\n"), 1)
        self.assertEqual(self.summary("run-0")["steps"], 3000)
        self.assert_nowhere(*results[0][1:], *results[1][1:])

    def test_a_crowd_that_says_nothing_keeps_nobody_out(self):
        first = self.worker(0, TOKEN, "--steps", 8)
        self.wait_until(self.listening, first)
        crowd = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(100)]
        for number, stranger in enumerate(crowd[:50]):
            stranger.send(b"\xff" * (1, 8, 1000)[number % 3])
        results = [self.finish(worker) for worker in (self.worker(1, TOKEN, "--steps", 8), first)]
        for stranger in crowd:
            stranger.close()
        self.assertEqual([result[0] for result in results], [0, 0], results)

    def test_a_host_without_one(self):
        first = self.worker(0, None, "--steps", 8)
        self.wait_until(self.listening, first)
        code, out, err = self.finish(self.worker(1, TOKEN, "--steps", 8))
        self.assertEqual((code, out), (2, ""))
        self.assertEqual(err, f"valley: the store at 127.0.0.1:{self.port} asks for no token, and this worker has "
                              "one: whoever hosts it was started without\n")  # fmt: skip
        second = self.worker(1, None, "--steps", 8)
        self.assertEqual([self.finish(worker)[0] for worker in (first, second)], [0, 0])

    def test_the_launcher_passes_it_on(self):
        """As a file, through a pipe, which can be read once, or as a variable; to workers that come and go, too."""
        launch = ("train", *with_flags(FLAGS, "--launch", "processes", "--steps", 8))
        texts = self.run_valley(*launch, "--token-file", "token", "--elastic", "1:2", "--out", "file")
        self.assertEqual(texts[0], 0, texts)
        piped = self.start(*launch, "--token-file", "/dev/fd/0", "--out", "pipe")
        self.assertEqual(self.finish(piped)[0], 2)  # that is /dev/null here: an empty one
        self.assertFalse((self.folder / "pipe").exists())
        read, write = os.pipe()
        os.write(write, TOKEN.encode())
        os.close(write)
        piped = self.start(*launch, "--token-file", f"/dev/fd/{read}", "--out", "pipe", pass_fds=[read])
        os.close(read)
        self.assertEqual(self.finish(piped)[0], 0)
        process = self.start("train", *with_flags(launch[1:], "--steps", 10**6, "--checkpoint-every", 20),
                             "--out", "variable", env={"VALLEY_TOKEN": TOKEN})  # fmt: skip
        self.wait_for_checkpoint("variable", process)
        for pid in self.working():
            self.assertNotIn(TOKEN.encode(), pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        code, out, err = self.interrupt(process)
        self.assertEqual(code, 4, err)
        self.assert_nowhere(*map(str, texts), out, err)
        printed = self.succeed("train", *FLAGS, "--launch", "processes", "--token-file", "token", "--print-config")
        self.assertNotIn(TOKEN, printed)


class Refused(TokenTest):
    def test_bad_input(self):
        base = ("train", *FLAGS, "--out", "run")
        processes = (*base, "--launch", "processes")
        self.refuse("--token-file nowhere: No such file or directory", *processes, "--token-file", "nowhere")
        (self.folder / "short").write_text("secret\n")
        why = "a token is one line of 16 to 4096 bytes; head -c 32 /dev/urandom | base64 makes one"
        self.refuse(f"--token-file short: {why}", *processes, "--token-file", "short")
        self.refuse(f"VALLEY_TOKEN: {why}", *processes, env={"VALLEY_TOKEN": "secret"})
        self.refuse("--token-file token needs --launch processes, torchrun, mpirun or srun: threads have no door",
                    *base, "--token-file", "token")  # fmt: skip

    @unittest.skipUnless(has_mpi(), "this program was built without MPI")
    def test_mpi_asks_for_none(self):
        base = ("train", *FLAGS, "--out", "run", "--backend", "mpi")
        env = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}
        self.refuse("--token-file token needs --backend gloo: what mpi talks through asks for no token",
                    *base, "--token-file", "token", env=env)  # fmt: skip
        self.refuse("VALLEY_TOKEN is set, and what --backend mpi talks through asks for no token",
                    *base, env=env | {"VALLEY_TOKEN": TOKEN})  # fmt: skip


if __name__ == "__main__":
    unittest.main()
