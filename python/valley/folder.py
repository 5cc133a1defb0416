"""The record of a training in a loop of one's own, as the program's run folders are."""

import json
import math
import os
import pathlib
import time

import torch

from valley import _core


class RunFolder:
    """What valley.run_folder() makes."""

    def __init__(self, opt, path, *, model=None, data="", steps_per_epoch=None, **settings):
        self.opt = opt
        self.path = pathlib.Path(path)
        self._steps_per_epoch = steps_per_epoch
        self._first = opt.group.rank == 0
        self._begun = time.perf_counter()
        self._evaluations = []
        facts = {
            "data": data,
            "model": model or (type(opt._model).__name__ if opt._model is not None else ""),
            "algorithm": opt._row["name"],
            **{k.replace("_", "-"): v for k, v in opt.settings.items()},
            "optimizer": type(opt.optimizer).__name__.lower(),
            "lr": float(opt.param_groups[0].get("lr", 0)),
            "workers": opt.group.size,
            **{k.replace("_", "-"): v for k, v in settings.items()},
        }
        self._facts = facts
        failure = ""
        if self._first:
            try:
                self._create(facts)
            except (OSError, ValueError) as error:
                failure = str(error)
        failure = opt.group.all_gather_text(failure)[0]
        if failure:
            raise ValueError(failure)
        opt._recorders.append(self)

    def _create(self, facts):
        if (self.path / "config.toml").exists():
            raise ValueError(f"{self.path} already holds a run")
        lines = [f"{key} = {_toml(value)}" for key, value in facts.items()]
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "metrics.jsonl").write_text("")
        # Last: its presence makes the folder a run.
        _write(self.path / "config.toml", "\n".join(["# A training in a loop of its own.", "", *lines, ""]))

    def _epoch(self):
        if not self._steps_per_epoch:
            return {}
        return {"epoch": self.opt.steps / self._steps_per_epoch}

    def _append(self, record):
        record = {"step": self.opt.steps, **self._epoch(), **record}
        if self._first:
            with open(self.path / "metrics.jsonl", "a") as file:
                file.write(json.dumps({k: _finite(v) for k, v in record.items()}) + "\n")

    def round(self):
        """What the round of the last step told; called by the method itself."""
        opt = self.opt
        if not opt.distances:
            return
        self._append(
            {
                "worker": "mean",
                "round": opt.rounds,
                "period": opt.period,
                "lr": float(opt.param_groups[0].get("lr", 0)),
                **opt.figures,
                "distances": opt.distances,
                "valley_width": opt.valley_width,
            }
        )

    def losses(self, loss):
        """Every worker's training loss, its own, at this step: a line for each. All workers together."""
        mine = torch.tensor([float(loss)], dtype=torch.float64)
        for rank, value in enumerate(self.opt.group.all_gather(mine).flatten().tolist()):
            self._append({"worker": rank, "loss": value})

    def evaluation(self, **scores):
        """The scores of the average: train_loss, train_accuracy, test_loss, test_accuracy, as far as
        there are any. Those of worker 0 are recorded; after opt.average(), whose width goes with them."""
        unknown = set(scores) - {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
        if unknown:
            raise ValueError(
                f"unknown score {sorted(unknown)[0]!r}; known: train_loss, train_accuracy, test_loss, test_accuracy"
            )
        opt = self.opt
        scores = {k: float(v) for k, v in scores.items()}
        if "train_accuracy" in scores and "test_accuracy" in scores:
            scores["generalization_gap"] = scores["train_accuracy"] - scores["test_accuracy"]
        self._evaluations.append(scores)
        self._append(
            {
                "worker": "mean",
                **scores,
                "valley_width": opt.valley_width or 0.0,
                "predicted_width": opt.predicted_width or 0.0,
                "lr": float(opt.param_groups[0].get("lr", 0)),
                "rounds": opt.rounds,
                "period": opt.period,
                "comm_bytes": opt.bytes_sent,
                **{f"seconds_{k}": v for k, v in self._seconds().items() if k != "total"},
            }
        )

    def _seconds(self):
        total = time.perf_counter() - self._begun
        wait = self.opt.wait_seconds
        communicate = self.opt.seconds - wait
        return {
            "compute": max(0.0, total - self.opt.seconds),
            "communicate": communicate,
            "wait": wait,
            "data": 0.0,
            "evaluate": 0.0,
            "probe": 0.0,
            "total": total,
        }

    def finish(self, *, save=None):
        """The end: summary.json, and with `save`, a model whose parameters are the average
        (opt.adopt_average()), its weights as state_dict.pt. All workers together."""
        opt = self.opt
        values = opt._loop.values
        summary = {
            "status": "finished",
            "algorithm": opt._row["name"],
            "model": self._facts["model"],
            "data": self._facts["data"],
            "workers": opt.group.size,
            "backend": opt.group.backend,
            "seed": self._facts.get("seed", 0),
            "parameters": values.numel(),
            "steps": opt.steps,
            **({"epochs": self._epoch()["epoch"]} if self._steps_per_epoch else {}),
            **(self._evaluations[-1] if self._evaluations else {}),
            "valley_width": opt.valley_width or 0.0,
            "predicted_width": opt.predicted_width or 0.0,
            "rounds": opt.rounds,
            "comm_bytes_per_worker": opt.bytes_sent,
            "comm_fraction_of_ssgd": opt.bytes_sent
            / max(1, opt.steps * values.numel() * values.element_size()),
            "seconds": self._seconds(),
            "version": _core.__version__,
        }
        if self._first:
            if save is not None:
                torch.save(save.state_dict(), self.path / "state_dict.pt")
            text = json.dumps({k: _finite(v) for k, v in summary.items()}, indent=2)
            _write(self.path / "summary.json", text + "\n")
        opt._recorders.remove(self)


def run_folder(opt, path, **facts):
    """A folder that `valley report` reads beside the program's own: what the method tells of every
    round is recorded from here on. All workers together; worker 0 writes.

        record = valley.run_folder(opt, "runs/mine", data="cifar10", steps_per_epoch=len(loader))
        ...
        with opt.average(loader):
            scores = evaluate(net)
        record.evaluation(test_loss=scores.loss, test_accuracy=scores.accuracy)
        ...
        record.finish()

    Args:
        opt: one of valley.METHODS.
        path: the folder; it is made, with its parents.
        model, data: names, for people.
        steps_per_epoch: steps of one worker; without it records have no epochs.
        **facts: what else config.toml should hold: batch_size, seed, epochs.

    Raises:
        ValueError: the folder holds a run already, or cannot be written.
    """
    return RunFolder(opt, path, **facts)


def _write(path, text):
    """Whole or not at all."""
    part = path.with_name(path.name + ".part")
    with open(part, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _finite(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value))
