"""Sharpness, landscape and alignment of any network, against closed forms."""

import unittest

import numpy
import torch
import valley
from valley import _core

H = torch.tensor([1.0, 2.0, 4.0, 8.0, 0.5], dtype=torch.float64)


class Bowl(torch.nn.Module):
    """The loss is (1/2) sum_i H_i x_i^2 + 1, whatever the batch is."""

    def __init__(self):
        super().__init__()
        self.x = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
        self.noise = torch.nn.Dropout(0.5)

    def forward(self, batch):
        return self.noise(self.x) * torch.ones(len(batch), 1, dtype=torch.float64)


def loss(net, batch):
    return (net(batch).square() * H).sum(1).mean() / 2 + 1


BATCHES = [torch.zeros(3), torch.zeros(2)]


class Sharpness(unittest.TestCase):
    def test_a_quadratic_bowl(self):
        net = Bowl()
        found = valley.sharpness(net, loss, BATCHES, measures=["lambda-max", "trace", "frobenius"], draws=200)
        self.assertEqual(found.loss, 1)
        self.assertAlmostEqual(found["lambda-max"], 8, places=3)
        for name, value in (("trace", 15.5), ("frobenius", float(H.norm()))):
            m = found.measures[name]
            self.assertLess(abs(m.value - value), 5 * m.standard_error + 1e-6)
        self.assertTrue(net.training and net.noise.training)
        self.assertTrue(torch.equal(net.x.detach(), torch.zeros(5).double()))

    def test_the_mean_valley_of_two_workers(self):
        """From 0 along e_1 the loss doubles at t with H_1 t^2 / 2 = 1; the measure is the inverse."""
        step = torch.tensor([0.1, 0, 0, 0, 0], dtype=torch.float64)
        found = valley.sharpness(Bowl(), loss, BATCHES, workers=[step, -step], measures=["mean-valley"])
        self.assertAlmostEqual(found["mean-valley"], 2**-0.5, places=3)

    def test_all_that_have_a_meaning(self):
        states = [{"x": torch.full((5,), 0.1 * m, dtype=torch.float64)} for m in range(3)]
        found = valley.sharpness(
            Bowl(), loss, BATCHES, workers=states, initial={"x": torch.ones(5).double()}, draws=3
        )
        self.assertEqual(list(found.measures), [name for name, _ in _core.measures()])
        for name, m in found.measures.items():
            self.assertTrue(m.value is not None or m.note, name)

    def test_errors(self):
        net = Bowl()
        for error, message, call in (
            (ValueError, "unknown measure 'lamda-max'; did you mean 'lambda-max'",
             lambda: valley.sharpness(net, loss, BATCHES, measures=["lamda-max"])),
            (ValueError, "mean-valley needs two workers",
             lambda: valley.sharpness(net, loss, BATCHES, measures=["mean-valley"])),
            (TypeError, r"sharpness\(\) has no option 'kapa'; it has: draws, kappa",
             lambda: valley.sharpness(net, loss, BATCHES, kapa=3)),
            (ValueError, "kappa must be", lambda: valley.sharpness(net, loss, BATCHES, kappa=0.5)),
            (ValueError, "there are no batches", lambda: valley.sharpness(net, loss, [])),
            (ValueError, r"a vector of weights has shape \[3\], the network's parameters \[5\]",
             lambda: valley.sharpness(net, loss, BATCHES, workers=[torch.zeros(3)])),
            (ValueError, "the state_dict of a worker has no x",
             lambda: valley.sharpness(net, loss, BATCHES, workers=[{"y": 1}])),
            (ValueError, "unknown plane 'spred'; did you mean 'spread'",
             lambda: valley.landscape(net, loss, BATCHES, plane="spred")),
            (ValueError, "plane workers needs 3 workers, there are 0",
             lambda: valley.landscape(net, loss, BATCHES, plane="workers")),
            (ValueError, "points must be at least 2, got 1", lambda: valley.landscape(net, loss, BATCHES, points=1)),
            (ValueError, "extent must be above 0, got 0", lambda: valley.landscape(net, loss, BATCHES, extent=0)),
            (ValueError, "alignment needs two workers, there are 1", lambda: valley.alignment([torch.zeros(3)])),
            (ValueError, "workers must be flat vectors where there is no net", lambda: valley.alignment([{}, {}])),
        ):  # fmt: skip
            with self.subTest(message), self.assertRaisesRegex(error, message):
                call()


class Planes(unittest.TestCase):
    def test_the_loss_is_that_of_the_bowl(self):
        a = torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64)
        b = torch.tensor([0, 1.0, 0, 0, 0], dtype=torch.float64)
        net = Bowl()
        found = valley.landscape(net, loss, BATCHES, workers=[a, -a, b, -b], points=5, extent=2)
        self.assertEqual(found.loss.shape, (5, 5))
        self.assertAlmostEqual(found.loss[2, 2], 1)
        self.assertAlmostEqual(found.stands["average"][2], 0)
        plane = _core.plane("spread", torch.zeros(5).double(), [a, -a, b, -b], [("x", [5])], 0)
        for i in range(5):
            for j in range(5):
                x = plane.at(found.x[j], found.y[i])
                self.assertAlmostEqual(found.loss[i, j], float((x.square() * H).sum() / 2 + 1), places=10)
        for m, v in enumerate([a, -a, b, -b]):
            x, y, off = found.stands[f"worker {m}"]
            self.assertAlmostEqual(x * x + y * y, 1, places=6)
            self.assertLess(off, 1e-6)

    def test_alignment(self):
        e = torch.eye(5, dtype=torch.float64)
        found = valley.alignment([e[0], -e[0], e[3], -e[3]], Bowl(), loss, BATCHES)
        numpy.testing.assert_allclose(found.distances, 1)
        self.assertAlmostEqual(found.angles[0, 1], 180, places=4)
        self.assertAlmostEqual(found.angles[0, 2], 90, places=4)
        self.assertAlmostEqual(found.variance, 1)
        numpy.testing.assert_allclose(found.curvatures, [1, 1, 8, 8], rtol=1e-9)
        self.assertTrue(((0.5 <= found.random_curvatures) & (found.random_curvatures <= 8)).all())
        self.assertIsNone(valley.alignment([e[0], e[1]]).curvatures)


if __name__ == "__main__":
    unittest.main()
