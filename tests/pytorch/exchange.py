"""Models between two PyTorchs: what either Python exports both programs train, and what either program
leaves both Pythons load. scripts/test-pytorch.sh runs it.

    exchange.py VALLEY PYTHON OTHER_VALLEY OTHER_PYTHON

A Python runs this file again, with `export` or `compute`, where it needs torch.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
MOMENT = "--data blobs --train-samples 200 --test-samples 100 --workers 2 --threads 1 --steps 4 --quiet".split()
IMAGES = (4, 1, 28, 28)


def small():
    import torch

    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 6, 3, stride=2), torch.nn.BatchNorm2d(6), torch.nn.ReLU(),
                               torch.nn.Dropout(0.2), torch.nn.Flatten(), torch.nn.Linear(6 * 13 * 13, 10))  # fmt: skip


def export(path):
    import torch

    torch.jit.script(small()).save(path)


def compute(run, model):
    """The outputs of the run's files for fixed images: of its weights in a module, of its script."""
    import python_models
    import torch

    images = torch.linspace(-1, 1, 4 * 28 * 28).reshape(IMAGES)
    weights = python_models.load_safetensors(pathlib.Path(run) / "model.safetensors")
    net = python_models.make(model) if model == "lenet" else small()
    net.load_state_dict(weights)
    outputs = [net.eval()(images).tolist()]
    if model != "lenet":
        outputs.append(torch.jit.load(str(pathlib.Path(run) / "model.pt")).eval()(images).tolist())
    print(json.dumps(outputs))


def largest_difference(outputs):
    flat = [[value for row in output for value in row] for output in outputs]
    return max(max(values) - min(values) for values in zip(*flat))


def main(valley, python, other_valley, other_python):
    programs, pythons = (valley, other_valley), (python, other_python)

    def run(*command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
        return done.stdout

    versions = [run(p, "-W", "ignore", "-c", "import torch; print(torch.__version__)").strip() for p in pythons]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="valley-exchange-") as name:
        folder = pathlib.Path(name)
        models = ["lenet"]
        for version, p in zip(versions, pythons):
            models.append(folder / f"of {version}.pt")
            run(p, "-W", "ignore", __file__, "export", models[-1])
        for model, program in itertools.product(models, (0, 1)):
            out = folder / "runs" / f"{pathlib.Path(model).stem} by {program}"
            run(programs[program], "train", *MOMENT, "--model", model, "--out", out)
            outputs = []
            for p in pythons:
                outputs += json.loads(run(p, "-W", "ignore", __file__, "compute", out, model))
            difference = largest_difference(outputs)
            good = difference <= 1e-5
            failures += not good
            print(f"{'ok  ' if good else 'FAIL'} {pathlib.Path(model).stem}, trained by LibTorch {versions[program]}, "
                  f"loaded by both: {len(outputs)} outputs within {difference:.1e}")  # fmt: skip
    print(f"{2 * len(models) - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1] == "export":
        export(*sys.argv[2:])
    elif sys.argv[1] == "compute":
        compute(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
