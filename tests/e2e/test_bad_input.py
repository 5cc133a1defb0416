"""What cannot be done is refused before anything is done: one line, exit code 2, no trace."""

import gzip
import struct
import unittest
import wave

from program import TINY, ProgramTest, snapshot


def idx(magic, shape, data):
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + data


class CommandLine(ProgramTest):
    def test_nothing(self):
        self.refuse(f"give a subcommand: {self.subcommands()}; --help shows more")

    def test_flag_without_subcommand(self):
        known = self.subcommands()
        self.assertIn("train, compare", known)
        self.refuse(f"give a subcommand before '--workers': {known}; --help shows more",
                    "--workers", 2)  # fmt: skip

    def test_unknown_subcommand(self):
        self.refuse("unknown subcommand 'trian'; did you mean 'train'? known: "
                    + self.subcommands(), "trian")  # fmt: skip

    def test_unknown_flag(self):
        self.refuse("unknown argument '--pul'; did you mean '--pull'?", "train", "--pul", 0.1)
        self.refuse("unknown argument '--pul'; did you mean '--pull'?", "train", "--pul=0.1")
        self.refuse("unknown argument '--what-is-this'; `valley train --help` shows all",
                    "train", "--what-is-this")  # fmt: skip

    def test_word_too_many(self):
        self.refuse("unexpected argument 'extra'", "train", *TINY, "extra")

    def test_flag_twice(self):
        self.refuse("--workers is given 2 times", "train", "--workers", 2, "--workers=3")

    def test_flag_without_value(self):
        self.refuse("--pull needs a value", "train", "--pull")

    def test_value_of_another_type(self):
        self.refuse("--pull must be a number, got 'x'", "train", "--pull", "x")
        self.refuse("--workers must be a whole number, got '2.5'", "train", "--workers", "2.5")
        self.refuse("--seed is out of range: 99999999999999999999",
                    "train", "--seed", "99999999999999999999")  # fmt: skip

    def test_list(self):
        self.refuse("unknown list 'algoritms'; did you mean 'algorithms'? "
                    "known: algorithms, models, tasks, data, topologies, backends, measures", "list", "algoritms")  # fmt: skip


class Names(ProgramTest):
    def test_algorithm(self):
        known = self.names("algorithms")
        self.assertIn("local-sgd, slowmo, diloco, palsgd", known)
        self.refuse(f"unknown algorithm 'dpf'; did you mean 'dppf'? known: {known}",
                    "train", *TINY, "--algorithm", "dpf")  # fmt: skip

    def test_model(self):
        self.refuse(f"unknown model 'lenett'; did you mean 'lenet'? known: {self.names('models')}, "
                    "or a TorchScript file (net.pt)",
                    "train", "--data", "blobs", "--model", "lenett")  # fmt: skip

    def test_data(self):
        self.refuse(f"unknown data set 'blob'; did you mean 'blobs'? known: {self.names('data')}",
                    "train", "--data", "blob")  # fmt: skip

    def test_optimizer(self):
        code, _, err = self.run_valley("train", *TINY, "--optimizer", "sdg")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"\Avalley: unknown optimizer 'sdg'; did you mean 'sgd'\? .*\n\Z")


class Ranges(ProgramTest):
    def test_ranges(self):
        for message, *flags in [
            ("--pull must be in (0, 1], got 0", "--pull", 0),
            ("--pull must be in (0, 1], got 1.5", "--pull", 1.5),
            ("--push must be at least 0, got -1", "--push", -1),
            ("--period must be at least 1, got 0", "--period", 0),
            ("--period must be N, post-local:EPOCH:N or qsr:BASE:COEF, got 'x'", "--period", "x"),
            ("--lr must be above 0, got 0", "--lr", 0),
            ("--timeout must be at most 1000000, got inf", "--timeout", "inf"),
            ("unknown partition 'dirichlt'; did you mean 'dirichlet'? known: iid, dirichlet, shards, origin",
             "--partition", "dirichlt:0.3"),
            ("--partition dirichlet:ALPHA needs a number ALPHA above 0, got '0'",
             "--partition", "dirichlet:0"),
            ("unknown precision 'bf32'; did you mean 'bf16'? known: float32, bf16",
             "--precision", "bf32"),
            ("--partition shards:K needs a whole number K of at least 1, got '0'",
             "--partition", "shards:0"),
            ("--partition iid takes no value, got '2'", "--partition", "iid:2"),
            ("--data-seed must be at least 0, or -1 for that of --seed, got -3", "--data-seed", -3),
            ("--momentum must be in [0, 1), got 2", "--momentum", 2),
            ("--momentum 0.9 beside the momentum 0.9 of qg-dsgdm itself diverges: their sum must be below 1 "
             "(--momentum 0 is the method as its authors have it)",
             "--algorithm", "qg-dsgdm", "--momentum", 0.9),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "train", *TINY, *flags)

    def test_workers(self):
        blobs = ("train", "--data", "blobs", "--model", "mlp", "--train-samples", 100)
        self.refuse("--workers must be at least 1, got 0", *blobs, "--workers", 0)
        self.refuse("more workers (101) than training samples (100)", *blobs, "--workers", 101)

    def test_backends(self):
        self.refuse("--backend thread needs --launch threads: processes share no memory",
                    "train", *TINY, "--launch", "processes", "--backend", "thread")  # fmt: skip
        self.refuse("--algorithm ad-psgd needs workers that share memory: --launch threads",
                    "train", *TINY, "--algorithm", "ad-psgd", "--launch", "processes")  # fmt: skip
        self.refuse("--topology ring with 3 workers has a cycle of odd length; ad-psgd needs a graph "
                    "of two sides: ring with an even number of workers, grid, hypercube or star",
                    "train", *TINY[:-4], "--algorithm", "ad-psgd", "--workers", 3)  # fmt: skip
        self.refuse("--backend gloo needs --launch processes, torchrun, mpirun or srun",
                    "train", *TINY, "--backend", "gloo")  # fmt: skip

    def test_devices(self):
        self.refuse("--device must be cpu, cuda, cuda:N or auto, got 'gpu'",
                    "train", *TINY, "--device", "gpu")  # fmt: skip
        self.refuse("--device must be cpu, cuda, cuda:N or auto, got 'cuda:'",
                    "sharpness", "runs", "--device", "cuda:")  # fmt: skip
        self.refuse("--device cuda: gloo takes tensors on cpu; processes with a GPU each need "
                    "--backend nccl, --launch threads share a device",
                    "train", *TINY, "--launch", "processes", "--device", "cuda")  # fmt: skip
        before = snapshot(self.folder)
        code, out, err = self.run_valley("train", *TINY, "--device", "cuda:99")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Avalley: --device cuda:99: (this LibTorch, [0-9.]+.*, is without CUDA"
                              r"|LibTorch finds no GPU in this machine|this machine has .*)\n\Z")  # fmt: skip
        self.assertEqual(snapshot(self.folder), before)

    def test_flags_of_other_algorithms(self):
        self.refuse("--push is no option of ssgd, which reads --bucket-bytes, --wire",
                    "train", *TINY, "--algorithm", "ssgd", "--push", 1)  # fmt: skip
        self.refuse("--pull is no option of local-sgd, which reads --period, --compress-rounds, --delay, "
                    "--fragments, --wire, --hierarchy, --group-size, --inner-pull, --inner-push, --inner-wire, "
                    "--optimizer-state",
                    "train", *TINY, "--algorithm", "local-sgd", "--pull", 1)  # fmt: skip


class Configuration(ProgramTest):
    def refuse_config(self, message, text):
        (self.folder / "run.toml").write_text(text)
        self.refuse(message, "train", "--config", "run.toml")

    def test_missing(self):
        self.refuse("cannot read no.toml: No such file or directory", "train", "--config", "no.toml")

    def test_unknown_key(self):
        self.refuse_config("run.toml: unknown key 'wrokers'; did you mean 'workers'?", "wrokers = 3")

    def test_type(self):
        self.refuse_config("run.toml: workers must be a whole number", 'workers = "3"')
        self.refuse_config("run.toml: flip must be true or false", "flip = 1")
        self.refuse_config("run.toml: model must be a text in quotes", "model = true")
        self.refuse_config("run.toml:1: 'lr' must be a text, a number, true or false, got a list",
                           "lr = [0.1]")  # fmt: skip

    def test_syntax(self):
        (self.folder / "run.toml").write_text("data = 'blobs'\nworkers = = 3\n")
        code, out, err = self.run_valley("train", "--config", "run.toml")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Avalley: run\.toml:2: [^\n]*\n\Z")

    def test_range(self):
        self.refuse_config("--pull must be in (0, 1], got 3", "pull = 3")


class Data(ProgramTest):
    NAMES = [f"{split}-{what}-ubyte" for split in ("train", "t10k")
             for what in ("images-idx3", "labels-idx1")]  # fmt: skip

    def write_mnist(self, **changes):
        """A data set of 20 + 20 images in mnist/, with some files replaced."""
        folder = self.folder / "mnist"
        folder.mkdir(exist_ok=True)
        for name in self.NAMES:
            if "images" in name:
                content = idx(0x803, (20, 28, 28), bytes(range(256)) * 62)[: 16 + 20 * 784]
            else:
                content = idx(0x801, (20,), bytes(i % 10 for i in range(20)))
            key = name.split("-")[0] + "_" + name.split("-")[1]
            (folder / name).write_bytes(changes.get(key, content))
        return "mnist:mnist"

    def flags(self, data):
        return ("train", "--data", data, "--model", "mlp", "--workers", 2, "--batch-size", 4)

    def test_the_files_of_these_tests_are_good(self):
        self.succeed(*self.flags(self.write_mnist()), "--epochs", 1, "--quiet")

    def test_missing(self):
        self.refuse("--data mnist needs the folder of its files: mnist:PATH",
                    *self.flags("mnist"))  # fmt: skip
        self.refuse("data file nowhere/train-images-idx3-ubyte(.gz) is missing; install the package "
                    "dataset-fashion-mnist or give its folder as fashion-mnist:PATH",
                    *self.flags("fashion-mnist:nowhere"))  # fmt: skip
        self.refuse("data file nowhere/data_batch_1.bin is missing; unpack cifar-10-binary.tar.gz "
                    "(https://www.cs.toronto.edu/~kriz/cifar.html) and give its folder as "
                    "cifar10:PATH", *self.flags("cifar10:nowhere"))  # fmt: skip
        self.refuse("--data blobs takes no path, got 'here'", *self.flags("blobs:here"))

    def refuse_data(self, pattern, data):
        """As refuse(), for a text that the data's own tests pin down to the letter."""
        code, out, err = self.run_valley(*self.flags(data))
        self.assertEqual((code, out), (2, ""), err)
        self.assertRegex(err, rf"\Avalley: {pattern}[^\n]*\n\Z")
        self.assertFalse((self.folder / "runs").exists())

    def test_truncated_idx(self):
        data = self.write_mnist(train_images=idx(0x803, (20, 28, 28), bytes(5000)))
        self.refuse_data("[^\n]*mnist/train-images-idx3-ubyte", data)

    def test_wrong_magic(self):
        data = self.write_mnist(t10k_labels=b"GIF89a, certainly no labels")
        self.refuse_data("[^\n]*mnist/t10k-labels-idx1-ubyte", data)

    def test_empty_file(self):
        self.refuse_data("[^\n]*mnist/train-labels-idx1-ubyte", self.write_mnist(train_labels=b""))

    def test_truncated_gzip(self):
        self.write_mnist()
        (self.folder / "mnist" / "train-images-idx3-ubyte").unlink()
        packed = gzip.compress(idx(0x803, (20, 28, 28), bytes(range(200)) * 79))
        (self.folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(packed[:-40])
        self.refuse_data("[^\n]*mnist/train-images-idx3-ubyte.gz", "mnist:mnist")

    def test_cifar_of_a_wrong_size(self):
        folder = self.folder / "cifar"
        folder.mkdir()
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            (folder / name).write_bytes(bytes(3073 * 2 - 1))
        self.refuse_data("[^\n]*cifar/data_batch_1.bin", "cifar10:cifar")

    def write_digits(self, **changes):
        """Two recordings a digit in digits/, with some replaced."""
        folder = self.folder / "digits"
        folder.mkdir(exist_ok=True)
        for digit in range(10):
            for index in (0, 5):
                name = f"{digit}_anna_{index}"
                with wave.open(str(folder / f"{name}.wav"), "wb") as file:
                    file.setparams((1, 2, changes.get("rate", 8000), 0, "NONE", ""))
                    file.writeframes(bytes((17 * i * (digit + 1)) % 256 for i in range(4000)))
        return "fsdd:digits"

    def test_digits(self):
        self.succeed(*self.flags(self.write_digits()), "--epochs", 1, "--quiet", "--out", "run")
        self.assertEqual(self.summary("run")["data"], f"fsdd:{self.folder / 'digits'}")
        path = self.folder / "digits" / "3_anna_5.wav"
        whole = path.read_bytes()
        for content, message in [
            (whole[:99], "is cut short: 4044 bytes expected, 99 found"),
            (b"no sound", "is no WAV file"),
        ]:
            path.write_bytes(content)
            self.refuse(f"digits/3_anna_5.wav {message}", *self.flags("fsdd:digits"))
        path.unlink()
        self.refuse("digits holds no training recording of digit 3: 3_SPEAKER_INDEX.wav with an "
                    "index of 5 or more", *self.flags("fsdd:digits"))  # fmt: skip
        self.refuse("digits/0_anna_5.wav must have 8000 samples a second, has 44100",
                    *self.flags(self.write_digits(rate=44100)))  # fmt: skip
        self.refuse("cannot read nowhere: No such file or directory",
                    *self.flags("fsdd:nowhere"))  # fmt: skip

    def test_partition(self):
        self.refuse("--partition dirichlet:1 needs every class: class 8 has no training sample",
                    *self.flags("blobs"), "--train-samples", 8,
                    "--partition", "dirichlet:1")  # fmt: skip
        self.refuse("--partition shards:11 of 2 workers is more shards than the 20 training samples",
                    *self.flags("blobs"), "--train-samples", 20,
                    "--partition", "shards:11")  # fmt: skip

    def test_more_samples_than_there_are(self):
        self.refuse("--train-samples 21 is more than the 20 training samples of mnist",
                    *self.flags(self.write_mnist()), "--train-samples", 21)  # fmt: skip


class Folders(ProgramTest):
    def test_held_by_a_run(self):
        self.train("run", "--steps", 2)
        self.refuse("--out run already holds a run; choose another folder, or --resume run to go on",
                    "train", *TINY, "--out", "run")  # fmt: skip

    def test_unwritable(self):
        (self.folder / "file").write_text("mine")
        self.refuse("--out /proc/x cannot be created: No such file or directory",
                    "train", *TINY, "--out", "/proc/x")  # fmt: skip
        for out in ("file", "file/run"):
            self.refuse(f"--out {out} cannot be created: Not a directory",
                        "train", *TINY, "--out", out)  # fmt: skip

    def test_resume_of_no_run(self):
        (self.folder / "empty").mkdir()
        self.refuse("nowhere is no run folder: there is no such folder",
                    "train", "--resume", "nowhere")  # fmt: skip
        self.refuse("empty is no run folder: config.toml is missing", "train", "--resume", "empty")

    def unfinished_run(self):
        self.trained("run", "--steps", 4, "--checkpoint-every", 2)
        (self.folder / "run" / "summary.json").unlink()
        return self.folder / "run" / "checkpoints" / "step-00000004"

    def test_resume_of_damaged_checkpoint(self):
        """It is named and set aside, an older one is taken, and the model has the same bits."""
        checkpoint = self.unfinished_run()
        model = self.model("run")
        worker = checkpoint / "worker-1.safetensors"
        damaged = bytearray(worker.read_bytes())
        damaged[-1000] ^= 4  # one bit of a weight
        worker.write_bytes(damaged)
        code, out, err = self.run_valley("train", "--resume", "run")
        self.assertEqual(code, 0, err)
        self.assertRegex(
            err, r"\Arun/checkpoints/step-00000004/worker-1\.safetensors is damaged: its checksum is "
            r"[0-9a-f]{8}, that of its content [0-9a-f]{8}; set aside as "
            r"run/checkpoints/step-00000004\.damaged\nresuming at step 2 of 4\n"
        )  # fmt: skip
        self.assertEqual(self.model("run"), model)
        aside = self.folder / "run/checkpoints/step-00000004.damaged"
        self.assertEqual((aside / worker.name).read_bytes(), damaged)
        self.assertEqual(self.checkpoints("run"), [2, 4])

        # Among processes as well, where only one sees the damage; and a manifest.
        (self.folder / "run" / "summary.json").unlink()
        worker.write_bytes(damaged[:-1000])
        code, out, err = self.run_valley("train", "--resume", "run", "--launch", "processes")
        self.assertEqual(code, 0, err)
        self.assertRegex(
            err, r"run/checkpoints/step-00000004/worker-1\.safetensors is cut short: \d+ of \d+ bytes "
            r"of data; set aside as run/checkpoints/step-00000004\.damaged-2\n"
        )  # fmt: skip
        self.assertIn("resuming at step 2 of 4\n", err)
        self.assertEqual(self.checkpoints("run"), [2, 4])

        # None is whole: said every time, and nothing is trained or moved.
        (self.folder / "run" / "summary.json").unlink()
        for step in (2, 4):
            manifest = self.folder / f"run/checkpoints/step-0000000{step}/manifest.json"
            manifest.write_text(manifest.read_text().replace("dppf", "dpqf"))
        before = None
        for _ in range(2):
            code, out, err = self.run_valley("train", "--resume", "run", "--launch", "threads")
            self.assertEqual((code, out), (3, ""), err)
            self.assertRegex(
                err, r"\Avalley: no checkpoint in run/checkpoints is whole: run/checkpoints/"
                r"step-00000004/manifest\.json is damaged: its checksum is [0-9a-f]{8}, that of its "
                r"content [0-9a-f]{8}; begin anew with: valley train --config run/config.toml --out "
                r"NEW\n\Z"
            )  # fmt: skip
            before = before or snapshot(self.folder)
        self.assertEqual(snapshot(self.folder), before)

    def test_resume_of_cut_configuration(self):
        self.unfinished_run()
        (self.folder / "run" / "config.toml").write_text('data = "blobs"\n')
        self.refuse("run/config.toml lacks 'train-samples': it was cut short, or another version of "
                    "valley wrote it", "train", "--resume", "run")  # fmt: skip

    def test_resume_as_another_run(self):
        self.unfinished_run()
        self.refuse("--lr cannot change in a run that is resumed without --extend; for a new run: valley train "
                    "--config run/config.toml --lr ... --out FOLDER",
                    "train", "--resume", "run", "--lr", 3)  # fmt: skip
        self.refuse("--out other contradicts --resume run: a resumed run stays in its folder",
                    "train", "--resume", "run", "--out", "other")  # fmt: skip
        self.refuse("--config and --resume exclude each other: a run is resumed with its own "
                    "configuration",
                    "train", "--resume", "run", "--config", "run/config.toml")  # fmt: skip
        self.succeed("train", "--resume", "run", "--out", "./run", "--lr", 0.03, "--quiet")


class Environments(ProgramTest):
    def refuse_environment(self, message, *flags, **env):
        self.refuse(message, "train", *TINY, *flags, env=env)

    def test_half_of_a_pair(self):
        self.refuse_environment("RANK=0 is set, but WORLD_SIZE is not", RANK="0")
        self.refuse_environment("OMPI_COMM_WORLD_SIZE=2 is set, but OMPI_COMM_WORLD_RANK is not",
                                OMPI_COMM_WORLD_SIZE="2")  # fmt: skip

    def test_two_sources(self):
        self.refuse_environment("RANK=0 contradicts OMPI_COMM_WORLD_RANK=1", RANK="0",
                                WORLD_SIZE="2", OMPI_COMM_WORLD_RANK="1",
                                OMPI_COMM_WORLD_SIZE="2")  # fmt: skip

    def test_another_number_of_workers(self):
        self.refuse("--workers 3 contradicts the 2 workers of environment (RANK, WORLD_SIZE)",
                    "train", "--data", "blobs", "--model", "mlp", "--workers", 3,
                    env={"RANK": "0", "WORLD_SIZE": "2"})  # fmt: skip

    def test_no_number(self):
        self.refuse_environment("RANK must be a whole number >= 0, got 'first'", RANK="first",
                                WORLD_SIZE="2")  # fmt: skip


class Compare(ProgramTest):
    def test_refused(self):
        for message, *flags in [
            ("--algorithms is required",),
            (f"unknown algorithm 'dpf'; did you mean 'dppf'? known: {self.names('algorithms')}",
             "--algorithms", "ssgd,dpf"),
            ("--algorithms has ssgd twice", "--algorithms", "ssgd,ssgd"),
            ("--seeds has 1 twice", "--algorithms", "ssgd", "--seeds", "1,2,1"),
            ("--push is no option of ssgd, which reads --bucket-bytes, --wire",
             "--algorithms", "dppf,ssgd+push=2"),
            ("--push is read by none of the algorithms compared",
             "--algorithms", "ssgd,local-sgd", "--push", 2),
            ("--algorithms dppf+pusch=2: unknown key 'pusch'; did you mean 'push'?",
             "--algorithms", "dppf+pusch=2"),
            ("--algorithms takes NAME or NAME+KEY=VALUE+..., got 'dppf+push'",
             "--algorithms", "dppf+push"),
            ("--algorithms dppf+seed=3: 'seed' is not for a single method to set",
             "--algorithms", "dppf+seed=3"),
            ("--pull must be in (0, 1], got 2", "--algorithms", "dppf+pull=2"),
            ("unknown argument '--algorithm'; did you mean '--algorithms'?",
             "--algorithms", "ssgd", "--algorithm", "dppf"),
        ]:  # fmt: skip
            with self.subTest(message):
                self.refuse(message, "compare", *TINY, *flags)

    def test_as_a_worker(self):
        self.refuse("valley compare starts its own workers; call it without environment (RANK, "
                    "WORLD_SIZE)", "compare", *TINY, "--algorithms", "ssgd",
                    env={"RANK": "0", "WORLD_SIZE": "2"})  # fmt: skip


if __name__ == "__main__":
    unittest.main()
