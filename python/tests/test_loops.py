"""What the loops of other people do to an optimizer, with workers that are threads."""

import contextlib
import copy
import importlib.util
import math
import os
import pathlib
import threading
import unittest
import warnings
from unittest import mock

import torch
import valley
from torch import nn
from valley import _core

ROWS = {row["name"]: cls for row, cls in zip(_core.methods(), (getattr(valley, m) for m in valley.METHODS))}


# Threads draw from one generator.
DRAWING = threading.Lock()


def drawn(make, seed=0):
    """A module whose initialisation follows the seed, on whatever thread."""
    with DRAWING:
        torch.manual_seed(seed)
        return make()


def net(seed=0, dtype=torch.float64):
    return drawn(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)), seed).to(dtype)


def batches(rank, count=6, dtype=torch.float64):
    generator = torch.Generator().manual_seed(100 + rank)
    return [
        (torch.randn(8, 4, generator=generator).to(dtype), torch.randn(8, 2, generator=generator).to(dtype))
        for _ in range(count)
    ]


def loss_of(model, batch):
    return (model(batch[0]) - batch[1]).square().mean()


def sgd(model, lr=0.05, **options):
    return torch.optim.SGD(model.parameters(), lr=lr, **options)


def vector(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


# Small settings of methods that ask for some, so that a few steps hold several rounds.
def settings_of(name):
    keywords = {s["keyword"] for s in ROWS[name]._row["settings"]}
    wanted = {"period": 3, "push": 0.1, "bucket_bytes": 64, "topology": "ring", "noise": 0.01}
    if name == "ad-psgd":
        wanted["topology"] = "star"
    return {k: v for k, v in wanted.items() if k in keywords}


class Training:
    """One worker's training by a method, in steps."""

    def __init__(self, name, rank, optimizer=sgd, seed=0, **options):
        self.model = net(seed)
        self.data = batches(rank)
        row = ROWS[name]._row
        if row["needs_another_gradient"]:
            options["another_gradient"] = lambda: loss_of(self.model, self.data[0]).backward()
        self.opt = ROWS[name](optimizer(self.model), model=self.model, **settings_of(name), **options)

    def step(self, k):
        batch = self.data[k % len(self.data)]

        def closure():
            self.opt.zero_grad()
            loss = loss_of(self.model, batch)
            loss.backward()
            return loss

        return self.opt.step(closure)

    def run(self, begin, end):
        for k in range(begin, end):
            self.step(k)
        return self


class EveryMethod(unittest.TestCase):
    def test_every_row_has_a_class_with_its_settings(self):
        self.assertEqual(len(ROWS), len(valley.METHODS))
        for name, cls in ROWS.items():
            with self.subTest(name):
                keywords = list(cls.__signature__.parameters)
                for setting in cls._row["settings"]:
                    self.assertIn(setting["keyword"], keywords)
                    self.assertIn(setting["keyword"], cls.__doc__)
                self.assertIn(cls._row["summary"], cls.__doc__)

    def test_the_stubs_are_those_of_the_rows(self):
        folder = pathlib.Path(__file__).resolve().parents[1]
        spec = importlib.util.spec_from_file_location("stubs", folder / "stubs.py")
        stubs = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stubs)
        self.assertEqual(stubs.OUTPUT.read_text(), stubs.text(), "write them anew: python/stubs.py")

    def test_resumed_equals_uninterrupted_bit_for_bit(self):
        momentum = {"qg-dsgdm": 0.0}

        def work(rank):
            def optimizer(model):
                return sgd(model, momentum=momentum.get(name, 0.9))

            whole = Training(name, rank, optimizer).run(0, 11)
            before = Training(name, rank, optimizer).run(0, 5)
            model_state = copy.deepcopy(before.model.state_dict())
            state = copy.deepcopy(before.opt.state_dict())
            after = Training(name, rank, optimizer, seed=1).run(0, 2)
            after.model.load_state_dict(model_state)
            after.opt.load_state_dict(state)
            after.run(5, 11)
            return torch.equal(vector(whole.model), vector(after.model)), whole.opt.rounds == after.opt.rounds

        for name, cls in ROWS.items():
            if cls._row["asynchronous"]:
                continue  # whose course is a matter of timing
            with self.subTest(name):
                self.assertEqual(valley.run_threads(3, work), [(True, True)] * 3)

    def test_all_train_and_say_what_they_sent(self):
        rates = {"cd-adam": 0.005}  # whose step does not shrink with the gradient

        def work(rank):
            training = Training(name, rank, lambda model: sgd(model, rates.get(name, 0.05)))
            with training.opt.average():
                before = sum(loss_of(training.model, b).item() for b in training.data)
            training.run(0, 30)
            with training.opt.average():
                after = sum(loss_of(training.model, b).item() for b in training.data)
            opt = training.opt
            return after < before, opt.bytes_sent > 0, opt.seconds > 0, opt.steps, opt.valley_width >= 0

        for name in ROWS:
            with self.subTest(name):
                self.assertEqual(valley.run_threads(2, work), [(True, True, True, 30, True)] * 2)

    def test_a_value_out_of_range_is_a_value_error_that_names_the_keyword(self):
        for name, cls in ROWS.items():
            for setting in cls._row["settings"]:
                for value in setting["refused"]:
                    with self.subTest(name, setting=setting["keyword"], value=value):
                        with self.assertRaises(ValueError) as raised:
                            cls(sgd(net()), another_gradient=lambda: None, **{setting["keyword"]: value})
                        self.assertNotIn("\n", str(raised.exception))

    def test_alone_it_is_the_optimizer(self):
        model, twin = net(), net()
        opt, plain = valley.DPPF(sgd(model, momentum=0.9), period=3), sgd(twin, momentum=0.9)
        for batch in batches(0) * 2:
            for m, o in ((model, opt), (twin, plain)):
                o.zero_grad()
                loss_of(m, batch).backward()
                o.step()
        self.assertTrue(torch.equal(vector(model), vector(twin)))


class Errors(unittest.TestCase):
    def refuse(self, error, message, call, *args, **kwargs):
        with self.assertRaises(error) as raised:
            call(*args, **kwargs)
        self.assertEqual(str(raised.exception), message)

    def test_what_cannot_be_wrapped(self):
        model = net()
        self.refuse(ValueError, "optimizer must be a torch.optim.Optimizer, got Sequential", valley.DPPF, model)
        self.refuse(ValueError, "the optimizer is a DPPF already", valley.DPPF, valley.DPPF(sgd(model)))
        self.refuse(
            TypeError, "SSGD() has no setting 'pull'; it has: bucket_bytes, wire", valley.SSGD, sgd(model), pull=0.1
        )
        self.refuse(ValueError, "pull must be in (0, 1], got 2", valley.DPPF, sgd(model), pull=2)
        self.refuse(
            ValueError, "push_schedule increasing follows the whole training: total_steps is needed",
            valley.DPPF, sgd(model), push_schedule="increasing",
        )  # fmt: skip
        self.refuse(
            ValueError,
            "mgrawa asks for one more gradient a round: give another_gradient, a function that computes "
            "one on another batch",
            valley.MGRAWA, sgd(model),
        )  # fmt: skip
        self.refuse(TypeError, "Method is what the methods have in common; use one of valley.METHODS",
                    valley.Method, sgd(model))  # fmt: skip
        for options, message in (
            ({"total_steps": 0}, "total_steps must be a whole number of at least 1, got 0"),
            ({"total_steps": 2.5}, "total_steps must be a whole number of at least 1, got 2.5"),
            ({"seed": "x"}, "seed must be a whole number of at least 0, got 'x'"),
            ({"steps_per_epoch": 0}, "steps_per_epoch must be a whole number of at least 1, got 0"),
            ({"warmup_steps": -1}, "warmup_steps must be a whole number of at least 0, got -1"),
            ({"timeout": 0}, "timeout must be above 0 seconds, got 0"),
        ):
            self.refuse(ValueError, message, valley.DPPF, sgd(model), **options)
        half = net(dtype=torch.bfloat16)
        self.refuse(
            ValueError,
            "parameters must be float32, or float64 all of them; parameter 0 of group 0 is bfloat16",
            valley.DPPF, sgd(half),
        )  # fmt: skip
        half[2].float()
        self.refuse(
            ValueError, "all parameters must be of one type; 0.weight is bfloat16 and 2.weight is float32",
            valley.DPPF, sgd(half), model=half,
        )  # fmt: skip

    def test_parameters_that_are_moved_after_wrapping_are_named(self):
        def moved(change, **options):
            model = net(dtype=torch.float32)
            opt = valley.LocalSGD(sgd(model), **options)
            loss_of(model, batches(0, dtype=torch.float32)[0]).backward()
            opt.step()
            change(model)
            return opt.step

        text = (
            "{} was moved after it had been wrapped (by .to(), .double(), .data or load_state_dict with "
            "assign), so that it is no longer what the workers average; wrap the optimizer after that"
        )
        self.refuse(ValueError, text.format("parameter 0 of group 0 [5, 4]"), moved(lambda m: m.double()))

        def other_data(model):
            model[2].weight.data = torch.zeros(2, 5)

        self.refuse(ValueError, text.format("parameter 2 of group 0 [2, 5]"), moved(other_data))
        moved(lambda m: m.to(torch.float32))()  # which moves nothing

        def other_parameter(model):
            model[2].weight = nn.Parameter(torch.zeros(2, 5))

        model = net()
        opt = valley.LocalSGD(sgd(model), model=model)
        other_parameter(model)
        self.refuse(
            ValueError,
            "the model's parameter 2.weight was replaced by another after it had been wrapped; make the "
            "optimizer, and wrap it, after that",
            opt.step,
        )

    def test_a_model_that_was_called_is_known(self):
        model = net()
        opt = valley.LocalSGD(sgd(model))
        model(torch.zeros(1, 4).double())
        model[0].weight = nn.Parameter(torch.zeros(5, 4))
        with self.assertRaisesRegex(ValueError, "0.weight was replaced|was replaced"):
            opt.step()

    def test_what_a_step_needs(self):
        self.refuse(
            ValueError,
            "ssgd-noise moves the parameters before the gradient is taken: call step(closure), where closure "
            "computes the gradient and returns the loss",
            valley.SSGDNoise(sgd(net())).step,
        )
        self.refuse(
            ValueError, "lsgd goes by the workers' losses: call step(loss=loss), or step(closure)",
            valley.LSGD(sgd(net())).step,
        )  # fmt: skip
        valley.LSGD(sgd(net())).step(loss=torch.tensor(0.5))
        self.refuse(TypeError, "step() has no argument 'los'", valley.LSGD(sgd(net())).step, los=1)
        self.refuse(
            ValueError,
            "parameters cannot be added to what the workers have begun to average; add them to the "
            "optimizer before it is wrapped",
            valley.DPPF(sgd(net())).add_param_group, {"params": []},
        )  # fmt: skip

    def test_a_state_of_something_else(self):
        opt = valley.DPPF(sgd(net()))
        self.refuse(ValueError, "this is the state of an optimizer that no method was around",
                    opt.load_state_dict, sgd(net()).state_dict())  # fmt: skip
        self.refuse(ValueError, "the state has method local-sgd, here it is dppf",
                    opt.load_state_dict, valley.LocalSGD(sgd(net())).state_dict())  # fmt: skip
        self.refuse(ValueError, "the state has pull 0.3, here it is 0.1",
                    opt.load_state_dict, valley.DPPF(sgd(net()), pull=0.3).state_dict())  # fmt: skip

    def test_workers_that_differ(self):
        def settings(rank):
            valley.DPPF(sgd(net()), pull=0.1 + 0.1 * rank)

        def shapes(rank):
            valley.DPPF(sgd(nn.Linear(3, 1 + rank)))

        def weights(rank):
            model = net()
            opt = valley.DPPF(sgd(model))
            if rank == 1:
                with torch.no_grad():
                    model[0].bias.fill_(1)
            loss_of(model, batches(rank)[0]).backward()
            opt.step()

        for work, message in (
            (settings, "pull: 0.1 on rank 0, 0.2 on rank 1; the workers of a run must agree on it"),
            (shapes, r"parameter 0 of group 0: \[1, 3\] on rank 0, \[2, 3\] on rank 1; .*"),
            (weights, "the checksum of the weights: [0-9a-f]{8} on rank 0, [0-9a-f]{8} on rank 1; .*"),
        ):
            with self.subTest(work.__name__), self.assertRaisesRegex(ValueError, message):
                valley.run_threads(2, work)

    def test_threads(self):
        self.refuse(ValueError, "workers must be at least 1, got 0", valley.run_threads, 0, print)

        def work(rank):
            opt = valley.LocalSGD(sgd(net()), period=1)
            if rank == 1:
                raise KeyError("mine")
            opt.step()

        with self.assertRaisesRegex(KeyError, "mine"):
            valley.run_threads(2, work)

    def test_a_launcher_without_a_process_group(self):
        with mock.patch.dict(os.environ, {"WORLD_SIZE": "4"}):
            self.refuse(
                ValueError,
                "WORLD_SIZE is 4, but there is no process group: call torch.distributed.init_process_group() "
                "before",
                valley.DPPF, sgd(net()),
            )  # fmt: skip


class Gradients(unittest.TestCase):
    """Each against the plain mean gradient, by hand."""

    def compare(self, step_of_worker, step_by_hand, workers=2, steps=4, make=net):
        """Workers of SSGD, against one model with the mean of their gradients."""

        def work(rank):
            model = make()
            opt = valley.SSGD(sgd(model, momentum=0.9, weight_decay=0.1))
            for k in range(steps):
                step_of_worker(model, opt, rank, k)
            return vector(model)

        model = make()
        plain = sgd(model, momentum=0.9, weight_decay=0.1)
        for k in range(steps):
            grads = []
            for rank in range(workers):
                plain.zero_grad(set_to_none=True)
                step_by_hand(model, rank, k)
                grads.append([p.grad for p in model.parameters()])
            for p, *of_workers in zip(model.parameters(), *grads):
                there = [g for g in of_workers if g is not None]
                p.grad = sum(there) / workers if there else None
            plain.step()
        for result in valley.run_threads(workers, work):
            torch.testing.assert_close(result, vector(model), rtol=1e-12, atol=1e-12)

    def test_set_to_none_or_not(self):
        for to_none in (True, False):
            with self.subTest(set_to_none=to_none):

                def step(model, opt, rank, k):
                    opt.zero_grad(set_to_none=to_none)
                    loss_of(model, batches(rank)[k]).backward()
                    opt.step()

                def by_hand(model, rank, k):
                    loss_of(model, batches(rank)[k]).backward()

                self.compare(step, by_hand)

    def test_accumulation(self):
        def step(model, opt, rank, k):
            opt.zero_grad()
            for i in range(2):
                (loss_of(model, batches(rank)[(k + i) % 6]) / 2).backward()
            opt.step()

        def by_hand(model, rank, k):
            for i in range(2):
                (loss_of(model, batches(rank)[(k + i) % 6]) / 2).backward()

        self.compare(step, by_hand)

    def test_clipping_of_each_workers_own(self):
        def step(model, opt, rank, k):
            opt.zero_grad()
            loss_of(model, batches(rank)[k]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            opt.step()

        def by_hand(model, rank, k):
            loss_of(model, batches(rank)[k]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)

        self.compare(step, by_hand)

    def test_parameters_without_gradient_frozen_and_tied(self):
        class Odd(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(4, 4, bias=False)
                self.tied = nn.Linear(4, 4, bias=False)
                self.tied.weight = self.first.weight
                self.unused = nn.Linear(2, 2)
                self.of_rank_0 = nn.Linear(4, 2)
                self.frozen = nn.Linear(2, 2).requires_grad_(False)
                self.rank = 0

            def forward(self, x):
                x = self.tied(torch.tanh(self.first(x)))
                y = self.of_rank_0(x) if self.rank == 0 else x[:, :2]
                return self.frozen(y)

        def make():
            return drawn(Odd).double()

        def step(model, opt, rank, k):
            opt.zero_grad()
            by_hand(model, rank, k)
            opt.step()

        def by_hand(model, rank, k):
            model.rank = rank
            loss_of(model, batches(rank)[k]).backward()

        self.compare(step, by_hand, make=make)

    def test_another_wrapper_around_the_model(self):
        def step(model, opt, rank, k):
            opt.zero_grad()
            loss_of(nn.DataParallel(model), batches(rank)[k]).backward()
            opt.step()

        def by_hand(model, rank, k):
            loss_of(model, batches(rank)[k]).backward()

        self.compare(step, by_hand)

    def test_a_scaler_that_skips(self):
        """As PyTorch 1.13 and 2 tell an optimizer of found infinities: a skipped step is no local step,
        and still one of the period."""

        def work(rank):
            model = net()
            opt = valley.LocalSGD(sgd(model), period=2)
            kept = None
            for k in range(4):
                opt.zero_grad()
                loss_of(model, batches(rank)[k]).backward()
                if k == 2:
                    kept = vector(model)
                    opt.found_inf, opt.grad_scale = torch.tensor(float(rank == 1)), torch.tensor(1.0)
                opt.step()
                if k == 2:
                    del opt.found_inf, opt.grad_scale
                    moved = not torch.equal(kept, vector(model))
            return moved, opt.rounds

        self.assertEqual(valley.run_threads(2, work), [(True, 2), (False, 2)])
        opt = valley.SSGD(sgd(net()))
        opt.found_inf = torch.tensor(1.0)
        with self.assertRaisesRegex(ValueError, "a GradScaler skips steps on one worker alone, and ssgd needs"):
            opt.step()

    @unittest.skipUnless(hasattr(torch.amp, "GradScaler"), "SKIPPED: PyTorch's scaler for the CPU came with 2.3")
    def test_the_scaler_itself(self):
        """On the CPU: the weights are those of steps without it, and of one that an infinity forbids."""

        def train(rank, scaler):
            model = net()
            opt = valley.LocalSGD(sgd(model), model=model, period=2)
            for k in range(4):
                forbidden = (k, rank) == (2, 1)
                opt.zero_grad()
                loss = loss_of(model, batches(rank)[k])
                if scaler:
                    scaler.scale(loss * math.inf if forbidden else loss).backward()
                    scaler.step(opt)
                    scaler.update()
                else:
                    loss.backward()
                    with mock.patch.object(opt.optimizer, "step") if forbidden else contextlib.nullcontext():
                        opt.step()
            return vector(model), opt.rounds

        def work(rank):
            return train(rank, torch.amp.GradScaler("cpu", init_scale=256.0)), train(rank, None)

        for (scaled, rounds), (plain, _) in valley.run_threads(2, work):
            self.assertEqual(rounds, 2)
            torch.testing.assert_close(scaled, plain, rtol=1e-12, atol=0)

    @unittest.skipUnless(hasattr(torch, "compile"), "SKIPPED: torch.compile came with PyTorch 2")
    def test_a_compiled_model(self):
        """Wrapped before or after it is compiled, and taken for its average: the same weights."""

        def train(first):
            model = net()
            called = torch.compile(model, backend="aot_eager") if first == "compile" else model
            opt = valley.DPPF(sgd(model), model=model, period=2, push=0.0)
            if first == "wrap":
                called = torch.compile(model, backend="aot_eager")
            for k in range(4):
                opt.zero_grad()
                loss_of(called, batches(0)[k]).backward()
                opt.step()
            with opt.average():
                return vector(model), loss_of(called, batches(0)[0]).detach()

        plain = train("nothing")
        for first in ("compile", "wrap"):
            torch.testing.assert_close(train(first), plain, rtol=1e-12, atol=0)


class Loops(unittest.TestCase):
    def test_schedulers_of_either_optimizer(self):
        def rates(of_inner):
            model = net()
            inner = sgd(model, lr=1.0)
            opt = valley.LocalSGD(inner)
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # "step() was never called"
                schedule = torch.optim.lr_scheduler.StepLR(inner if of_inner else opt, 2, 0.1)
                result = []
                for _ in range(4):
                    opt.step()
                    schedule.step()
                    result.append(opt.param_groups[0]["lr"])
            return result

        for of_inner in (True, False):
            for rate, expected in zip(rates(of_inner), [1.0, 0.1, 0.1, 0.01]):
                self.assertAlmostEqual(rate, expected)

    def test_workers_with_other_numbers_of_batches(self):
        for name in ("ssgd", "local-sgd", "dppf", "dpsgd", "gradient-tracking"):

            def work(rank):
                training = Training(name, rank)
                with training.opt.join():
                    for k in range(3 + 4 * rank):
                        training.step(k)
                with training.opt.average():
                    return training.opt.steps, training.opt.rounds, vector(training.model)

            with self.subTest(name):
                results = valley.run_threads(3, work)
                self.assertEqual(len({r[:2] for r in results}), 1)
                self.assertGreaterEqual(results[0][0], 11)
                for r in results:
                    self.assertTrue(torch.equal(r[2], results[0][2]))
                    self.assertTrue(r[2].isfinite().all())

    def test_the_width_without_a_word_to_the_others(self):
        def work(rank):
            opt = valley.LocalSGD(sgd(net()), period=1, track_width=False)
            opt.step()
            before = opt.valley_width, opt.distances
            with opt.average():
                return before, opt.distance, opt.valley_width

        self.assertEqual(valley.run_threads(2, work), [((None, []), 0.0, 0.0)] * 2)

    def test_two_optimizers_in_one_process(self):
        """A GAN: two networks, two methods, one group."""

        def work(rank):
            one, two = net(0), net(1)
            opt_one = valley.DPPF(torch.optim.Adam(one.parameters(), lr=1e-2), period=2)
            opt_two = valley.LocalSGD(sgd(two), period=3)
            for k in range(6):
                for model, opt in ((one, opt_one), (two, opt_two)):
                    opt.zero_grad()
                    loss_of(model, batches(rank)[k]).backward()
                    opt.step()
            return opt_one.rounds, opt_two.rounds, vector(two)

        results = valley.run_threads(2, work)
        self.assertEqual([r[:2] for r in results], [(3, 2)] * 2)
        self.assertTrue(torch.equal(results[0][2], results[1][2]))

    def test_lbfgs_calls_its_closure_itself(self):
        def work(rank):
            calls = []
            model = net()
            opt = valley.LocalSGD(torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4), period=2)

            def closure():
                calls.append(1)
                opt.zero_grad()
                loss = loss_of(model, batches(rank)[0])
                loss.backward()
                return loss

            losses = [opt.step(closure).item() for _ in range(4)]
            return len(calls) > 4, losses[-1] < losses[0], opt.rounds

        self.assertEqual(valley.run_threads(2, work), [(True, True, 2)] * 2)


class Average(unittest.TestCase):
    def make(self):
        return drawn(
            lambda: nn.Sequential(
                nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2), nn.BatchNorm1d(2)
            )
        ).double()

    def test_is_the_mean_and_gives_everything_back(self):
        def work(rank):
            model = self.make()
            opt = valley.LocalSGD(sgd(model), period=100)
            for batch in batches(rank):
                opt.zero_grad()
                loss_of(model, batch).backward()
                opt.step()
            kept = copy.deepcopy(model.state_dict())
            drawn = torch.get_rng_state()
            with opt.average(batches(rank)):
                inside = copy.deepcopy(model.state_dict())
                training = model.training
            same = all(torch.equal(kept[k], v) for k, v in model.state_dict().items())
            return kept, inside, same and training, torch.equal(drawn, torch.get_rng_state()), opt.valley_width

        results = valley.run_threads(2, work)
        kept = [r[0] for r in results]
        for _, inside, same, undrawn, width in results:
            self.assertTrue(same)
            distance = 0
            for name, value in inside.items():
                if "running" in name or "num_batches" in name:
                    continue
                mean = (kept[0][name] + kept[1][name]) / 2
                torch.testing.assert_close(value, mean, rtol=1e-12, atol=1e-12)
                distance += (kept[0][name] - mean).square().sum().item()
            self.assertAlmostEqual(width, distance**0.5, places=10)
            # The first layer is given the same whatever the batches are: its statistics are exact.
            x = torch.cat([b[0] for r in range(2) for b in batches(r)])
            given = x @ inside["0.weight"].T + inside["0.bias"]
            torch.testing.assert_close(inside["1.running_mean"], given.mean(0), rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(inside["1.running_var"], given.var(0, unbiased=False), rtol=1e-10, atol=1e-12)

    def test_without_a_loader_statistics_are_the_workers_mean(self):
        def work(rank):
            model = self.make()
            opt = valley.LocalSGD(sgd(model), model=model, period=100)
            for batch in batches(rank):
                loss_of(model, batch).backward()
            own = model[1].running_var.clone()
            with opt.average():
                return own, model[1].running_var.clone()

        (one, mean), (two, other) = valley.run_threads(2, work)
        torch.testing.assert_close(mean, (one + two) / 2)
        self.assertTrue(torch.equal(mean, other))

    def test_a_frozen_layer_keeps_its_own_and_eval_mode_is_given_back(self):
        model = self.make()
        opt = valley.LocalSGD(sgd(model), model=model)
        model[4].eval()
        with opt.average(batches(0)):
            self.assertTrue(torch.equal(model[4].running_mean, torch.zeros(2).double()))
            self.assertFalse(torch.equal(model[1].running_mean, torch.zeros(6).double()))
        model.eval()
        with opt.average(batches(0)):
            self.assertFalse(torch.equal(model[4].running_mean, torch.zeros(2).double()))
            self.assertFalse(model.training or model[1].training)

    def test_errors(self):
        model = self.make()
        opt = valley.LocalSGD(sgd(model))
        with self.assertRaisesRegex(ValueError, "calls of the model, which is not known yet: give model"):
            with opt.average(batches(0)):
                pass
        with self.assertRaisesRegex(ValueError, "the loaders have no batch: there is nothing to estimate"):
            with opt.average([], model=model):
                pass
        with self.assertRaisesRegex(ValueError, "a batch is a dict: say by forward how the model is called on it"):
            with opt.average([{"x": 1}], model=model):
                pass
        with opt.average([{"x": batches(0)[0][0]}], model=model, forward=lambda b: model(b["x"])):
            pass

    def test_adopted_it_stays(self):
        def work(rank):
            model = net()
            opt = valley.LocalSGD(sgd(model), period=100)
            for batch in batches(rank):
                opt.zero_grad()
                loss_of(model, batch).backward()
                opt.step()
            opt.adopt_average()
            return vector(model)

        one, two = valley.run_threads(2, work)
        self.assertTrue(torch.equal(one, two))


class TopologyTest(unittest.TestCase):
    def test_ring(self):
        ring = valley.topology("ring", 16)
        self.assertEqual((ring.workers, ring.cycle, ring.directed), (16, 1, False))
        self.assertEqual(ring.matrix().shape, (16, 16))
        self.assertAlmostEqual(ring.matrix().sum(), 16)
        self.assertAlmostEqual(ring.rate, (1 + 2 * math.cos(2 * math.pi / 16)) / 3, places=10)
        self.assertAlmostEqual(ring.spectral_gap, 1 - ring.rate)

    def test_unknown(self):
        with self.assertRaisesRegex(ValueError, "unknown topology 'rng'; did you mean 'ring'"):
            valley.topology("rng", 4)


if __name__ == "__main__":
    unittest.main()
