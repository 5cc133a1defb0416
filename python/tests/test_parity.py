"""The same as other people's code, in processes of their own."""

import copy
import json
import os
import pathlib
import signal
import tempfile
import time
import unittest

import processes
import torch
import torch.distributed
import valley
from torch import nn
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager


def net(dtype):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3)).to(dtype)


def batches(rank, steps, dtype):
    generator = torch.Generator().manual_seed(rank)
    for _ in range(steps):
        yield (
            torch.randn(8, 6, generator=generator).to(dtype),
            torch.randint(3, (8,), generator=generator),
        )


def vector(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-3)


def train(model, opt, rank, steps, dtype, after_step=lambda: None, call=None):
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for x, y in batches(rank, steps, dtype):
        opt.zero_grad()
        nn.functional.cross_entropy((call or model)(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0) if call is None else None
        opt.step()
        after_step()
        schedule.step()


def distance(a, b):
    return ((a - b).norm() / b.norm()).item()


class Parity(unittest.TestCase):
    def check(self, workers, fn, bounds):
        for dtype, bound in bounds.items():
            with self.subTest(dtype=dtype):
                for found in processes.run(workers, fn, dtype):
                    self.assertIsInstance(found, float, found)
                    self.assertLessEqual(found, bound)

    def test_ssgd_is_distributed_data_parallel(self):
        def work(rank, dtype):
            model, twin = net(dtype), net(dtype)
            parallel = nn.parallel.DistributedDataParallel(twin)
            train(twin, sgd(twin), rank, 100, dtype, call=parallel)
            opt = valley.SSGD(sgd(model))
            train(model, opt, rank, 100, dtype, call=model)
            return distance(vector(model), vector(twin))

        self.check(2, work, {torch.float64: 1e-6, torch.float32: 1e-5})

    def test_local_sgd_is_the_periodic_averager(self):
        def work(rank, dtype):
            model, twin = net(dtype), net(dtype)
            averager = PeriodicModelAverager(period=4, warmup_steps=3)
            train(twin, sgd(twin), rank, 40, dtype, lambda: averager.average_parameters(twin.parameters()))
            train(model, valley.LocalSGD(sgd(model), period=4), rank, 40, dtype)
            return distance(vector(model), vector(twin))

        self.check(3, work, {torch.float64: 1e-12, torch.float32: 1e-5})

    def test_dppf_is_its_formula(self):
        def work(rank, dtype):
            model, twin = net(dtype), net(dtype)
            steps, period, pull, push = 60, 4, 0.1, 0.5
            taken = [0]

            def meet():
                taken[0] += 1
                if taken[0] % period:
                    return
                x = nn.utils.parameters_to_vector(twin.parameters()).detach()
                mean = x.clone()
                torch.distributed.all_reduce(mean)
                mean /= torch.distributed.get_world_size()
                gap = x - mean
                x = x - pull * gap + push * gap / gap.norm()
                nn.utils.vector_to_parameters(x, twin.parameters())

            train(twin, sgd(twin), rank, steps, dtype, meet)
            opt = valley.DPPF(sgd(model), period=period, pull=pull, push=push, total_steps=steps)
            train(model, opt, rank, steps, dtype)
            return distance(vector(model), vector(twin))

        self.check(2, work, {torch.float64: 1e-12, torch.float32: 1e-5})


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.dim()]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
                     + array.numpy().tobytes())  # fmt: skip


def read_safetensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = bytearray(data[8 + size + begin : 8 + size + end])
            tensors[name] = torch.frombuffer(values, dtype=torch.float32).view(entry["shape"])
    return tensors


class Program(unittest.TestCase):
    def test_the_same_weights_as_valley_train(self):
        """The same network, images and batches, by the program and by a loop in Python."""
        for method in ("dppf", "ssgd", "dpsgd"):
            with self.subTest(method), tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                torch.manual_seed(1)
                x = torch.randint(256, (48, 6, 6), dtype=torch.uint8)
                y = torch.randint(3, (48,), dtype=torch.uint8)
                for part in ("train", "t10k"):
                    write_idx(folder / f"{part}-images-idx3-ubyte", x)
                    write_idx(folder / f"{part}-labels-idx1-ubyte", y)
                net = nn.Sequential(nn.Flatten(), nn.Linear(36, 12), nn.Tanh(), nn.Linear(12, 3))
                torch.jit.script(net).save(folder / "net.pt")
                settings = {"period": "3", "push": 0.2} if method == "dppf" else {}
                valley.train(
                    {"data": f"mnist:{folder}", "model": folder / "net.pt", "algorithm": method, "workers": 2,
                     "batch-size": 4, "epochs": 3, "lr": 0.05, "momentum": 0.9, "lr-schedule": "constant",
                     "seed": 5, "threads": 1, **settings},
                    out=folder / "run",
                )  # fmt: skip
                pixels = x.double() / 255
                inputs = ((pixels - pixels.mean()) / pixels.std(unbiased=False)).float().unsqueeze(1)

                def work(rank):
                    mine = copy.deepcopy(net)
                    opt = torch.optim.SGD(mine.parameters(), lr=0.05, momentum=0.9)
                    opt = getattr(valley, method.upper())(opt, seed=5, total_steps=18, **settings)
                    batches = valley.Sampler(48, 4, seed=5)
                    for _ in range(3):
                        for batch in batches:
                            opt.zero_grad()
                            nn.functional.cross_entropy(mine(inputs[batch]), y[batch].long()).backward()
                            opt.step()
                    opt.adopt_average()
                    return mine.state_dict()

                theirs = read_safetensors(folder / "run" / "model.safetensors")
                for ours in valley.run_threads(2, work):
                    self.assertEqual(set(ours), set(theirs))
                    for name, value in ours.items():
                        self.assertLess(distance(value, theirs[name]), 1e-5)
                self.assertGreater(distance(theirs["1.weight"], net[1].weight.detach()), 0.01)


class Groups(unittest.TestCase):
    def test_a_group_that_is_given(self):
        """Two of three workers train, the third does not; the default group is used in between."""

        def work(rank):
            pair = torch.distributed.new_group([0, 2])
            if rank == 1:
                torch.distributed.barrier()
                with self.assertRaisesRegex(ValueError, "this process is not one of the process group"):
                    valley.LocalSGD(sgd(net(torch.float64)), process_group=pair)
                return "stands by"
            model = net(torch.float64)
            opt = valley.LocalSGD(sgd(model), process_group=pair, period=2)
            train(model, opt, rank, 4, torch.float64)
            torch.distributed.barrier()
            opt.step()
            with opt.average():
                return opt.group.size, opt.rounds, vector(model)

        zero, one, two = processes.run(3, work)
        self.assertEqual(one, "stands by")
        self.assertEqual((zero[0], zero[1]), (2, 2), zero)
        self.assertTrue(torch.equal(zero[2], two[2]))

    def test_a_worker_that_is_killed_is_named(self):
        def work(rank):
            model = net(torch.float64)
            opt = valley.LocalSGD(sgd(model), period=1, timeout=30)
            opt.step()
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            for _ in range(50):
                opt.step()

        zero, one, two = processes.run(3, work, killed=[1])
        self.assertIsNone(one)
        for survivor in (zero, two):
            self.assertRegex(survivor, r"^CommError: lost rank 1 ")

    def test_another_call_is_named(self):
        def work(rank):
            opt = valley.LocalSGD(sgd(net(torch.float64)), period=1)
            opt.step()
            if rank == 1:
                opt.group.barrier()
            else:
                opt.step()

        for found in processes.run(2, work):
            self.assertRegex(found, "^CommError: rank 1 called barrier as operation [0-9]+, rank 0 called ")

    def test_a_worker_that_is_late_is_named(self):
        def work(rank):
            opt = valley.LocalSGD(sgd(net(torch.float64)), period=1, timeout=1.5)
            opt.step()
            if rank == 0:
                opt.step()
            else:
                time.sleep(6)

        found = processes.run(2, work)[0]
        self.assertRegex(found, r"^CommError: timed out after [0-9.]+ s in all_reduce [0-9]+: waiting for rank 1")


if __name__ == "__main__":
    unittest.main()
