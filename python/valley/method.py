"""What all methods have in common: an optimizer of PyTorch's, and the other workers."""

import contextlib

import torch

from valley import _core, batch_norm, group


class Method(torch.optim.Optimizer):
    """An optimizer around an optimizer: it takes the local step, and the workers meet as a method of
    data-parallel training says. Use one of valley.METHODS.

        net = Net()
        opt = valley.DPPF(torch.optim.SGD(net.parameters(), lr=.1), period=4, pull=.1, push=.5)
        for x, y in loader:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        with opt.average(loader):
            evaluate(net)

    Every worker makes one, in the same order if there are several, and takes as many steps. They
    begin with the parameters of worker 0, and must agree on method, settings and shapes.

    The parameters become views of one flat vector x [d], so that a round is one collective. Wrap an
    optimizer after the model was moved to its device and type; whatever moves parameters afterwards
    is an error of the next step, which names the parameter.

    param_groups and state are the inner optimizer's own, so that schedulers, clipping and GradScaler
    work as before, made of either of the two.

    Args:
        optimizer: any torch.optim.Optimizer over float32, or float64, parameters on one device.
        model: the network, for average(); by default the first module that is called with the
            parameters in it. With it, errors have the parameters' names, and parameters that were
            replaced are found; buffers, too, begin as those of worker 0.
        process_group: of torch.distributed; by default that of the thread (valley.run_threads), or
            the default group, or this worker alone.
        total_steps: K, of the whole training, which a push_schedule other than constant follows.
        steps_per_epoch: for period post-local:EPOCH:N.
        warmup_steps: for period qsr:BASE:COEF, which holds BASE so long.
        seed: of random topologies and noise; the same for all workers.
        timeout: seconds to wait for another worker in one operation.
        track_width: the workers tell each other their distances after every round, one number each;
            without, valley_width is that of the last average(), and a small model's rounds are faster.
        another_gradient: for mgrawa and lgrawa, a function without arguments that computes the
            gradient of the loss on one more training batch (backward() into .grad).
        **settings: of the method.

    Raises:
        ValueError: what cannot be, in one line that names setting, rule and value.
        valley.CommError: another worker is lost, is late, or does something else.

    Cost: an empty step between two rounds takes some microseconds. A round is what the method says,
    and, for valley_width, one number of each worker.
    """

    _row = None  # of _core.methods(), in the classes of valley.methods

    # A GradScaler that skips a step on one worker alone must not skip the round: step() is told.
    _step_supports_amp_scaling = True

    def __init__(
        self,
        optimizer,
        *,
        model=None,
        process_group=None,
        total_steps=None,
        steps_per_epoch=1,
        warmup_steps=0,
        seed=0,
        timeout=300.0,
        track_width=True,
        another_gradient=None,
        **settings,
    ):
        # Not Optimizer.__init__, which would make groups and state of its own.
        if self._row is None:
            raise TypeError("Method is what the methods have in common; use one of valley.METHODS")
        if isinstance(optimizer, Method):
            raise ValueError(f"the optimizer is a {type(optimizer).__name__} already")
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise ValueError(f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
        self._check_keywords(settings, total_steps, another_gradient)
        for name, value in (("steps_per_epoch", steps_per_epoch), ("warmup_steps", warmup_steps), ("seed", seed)):
            if not isinstance(value, int) or value < (name == "steps_per_epoch"):
                raise ValueError(f"{name} must be a whole number of at least {int(name == 'steps_per_epoch')}, got {value!r}")
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds, got {timeout}")
        self.optimizer = optimizer
        self.settings = {s["keyword"]: self._value(s, settings.get(s["keyword"])) for s in self._row["settings"]}
        self._model = model
        named = self._named_parameters()
        device = named[0][1].device if named else "cpu"
        self.group = group.find(process_group, device=device, timeout=timeout)
        self._loop = _core.Loop(
            named, self.group, self._row["name"], self.settings, total_steps or 0, steps_per_epoch,
            warmup_steps, seed, track_width, self._learning_rate, another_gradient,
        )  # fmt: skip
        self._joining = False
        self._recorders = []
        self._loop.begin_together()
        if model is None:
            self._await_model()
        else:
            self._watch()
            batch_norm.broadcast_buffers(model, self.group)

    @staticmethod
    def _value(setting, given):
        if given is None:
            return setting["default"]
        return str(given) if isinstance(setting["default"], str) and not isinstance(given, bool) else given

    def _check_keywords(self, settings, total_steps, another_gradient):
        name = type(self).__name__
        known = [s["keyword"] for s in self._row["settings"]]
        for keyword in settings:
            if keyword not in known:
                raise TypeError(f"{name}() has no setting {keyword!r}; it has: {', '.join(known) or 'none'}")
        schedule = settings.get("push_schedule") or "constant"
        if schedule != "constant" and total_steps is None:
            raise ValueError(f"push_schedule {schedule} follows the whole training: total_steps is needed")
        if total_steps is not None and (not isinstance(total_steps, int) or total_steps < 1):
            raise ValueError(f"total_steps must be a whole number of at least 1, got {total_steps!r}")
        if self._row["needs_another_gradient"] and another_gradient is None:
            raise ValueError(
                f"{self._row['name']} asks for one more gradient a round: give another_gradient, a "
                "function that computes one on another batch"
            )

    def _named_parameters(self):
        names = {} if self._model is None else {id(p): n for n, p in self._model.named_parameters()}
        return [
            (names.get(id(p), f"parameter {i} of group {g}"), p)
            for g, of_group in enumerate(self.optimizer.param_groups)
            for i, p in enumerate(of_group["params"])
        ]

    def _learning_rate(self):
        rate = self.optimizer.param_groups[0].get("lr")
        if rate is None:
            raise ValueError(f"{self._row['name']} asks for the learning rate, and the optimizer has none")
        return float(rate)

    def _watch(self):
        """Parameters that are replaced in their modules are found in the next step."""
        places = {}
        for module in self._model.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    places.setdefault(id(parameter), (module._parameters, name))
        ours = [places.get(id(p)) for _, p in self._named_parameters()]
        if all(ours):
            self._loop.watch(ours)

    def _await_model(self):
        """The model is the first module that is called and has our parameters."""
        first = next((p for g in self.optimizer.param_groups for p in g["params"]), None)

        def called(module, _):
            if self._model is None and any(p is first for p in module.parameters()):
                self._model = module
                self._watch()
                handle.remove()

        handle = torch.nn.modules.module.register_module_forward_pre_hook(called)

    # What is the inner optimizer's.

    @property
    def param_groups(self):
        return self.optimizer.param_groups

    @property
    def state(self):
        return self.optimizer.state

    @property
    def defaults(self):
        return self.optimizer.defaults

    def zero_grad(self, *args, **kwargs):
        """As the inner optimizer's. For a method that reads gradients, set_to_none=False spares one
        pass over them: they stay where they are averaged."""
        self.optimizer.zero_grad(*args, **kwargs)

    def add_param_group(self, param_group):
        raise ValueError("parameters cannot be added to what the workers have begun to average; add them "
                         "to the optimizer before it is wrapped")  # fmt: skip

    def register_step_pre_hook(self, hook):
        return self.optimizer.register_step_pre_hook(hook)

    def register_step_post_hook(self, hook):
        return self.optimizer.register_step_post_hook(hook)

    def __repr__(self):
        settings = ", ".join(f"{k}={v!r}" for k, v in self.settings.items())
        return f"{type(self).__name__}({self.optimizer!r}, {settings})"

    def __getstate__(self):
        raise TypeError("a method is not pickled, it has connections to others: save its state_dict()")

    # The step.

    def step(self, closure=None, *, loss=None, **scaling):
        """One step: the inner optimizer's, and a round where one is due. All workers take as many.

        Args:
            closure: computes the gradient anew and returns the loss. Needed by methods that take it
                elsewhere (ssgd-noise, mixing="cta", ad-psgd).
            loss: of the batch; needed by lsgd where there is no closure.

        Returns:
            the closure's loss, or None.
        """
        skipped = False
        if scaling or "found_inf" in self.__dict__:
            skipped = self._skipped(scaling.pop("grad_scaler", None))
            if scaling:
                raise TypeError(f"step() has no argument {next(iter(scaling))!r}")
        if self._joining and self._loop.steps % max(1, self._loop.period) == 0:
            self._all_done(False)
        if closure is not None:
            closure = torch.enable_grad()(closure)
        take_step = _nothing if skipped else self.optimizer.step
        if not self._recorders:
            return self._loop.step(take_step, closure, loss)
        rounds = self._loop.rounds
        result = self._loop.step(take_step, closure, loss)
        if self._loop.rounds > rounds:
            for recorder in self._recorders:
                recorder.round()
        return result

    def _skipped(self, scaler):
        """Whether a GradScaler found infinities in this worker's gradients, which are unscaled then."""
        if scaler is not None:  # how PyTorch 1.13 tells
            found = scaler._per_optimizer_states[id(self)]["found_inf_per_device"]
            if not found:
                scaler.unscale_(self)
                found = scaler._per_optimizer_states[id(self)]["found_inf_per_device"]
            skipped = any(f.item() for f in found.values())
        elif "found_inf" not in self.__dict__:
            return False
        else:  # how 2 does
            found = self.__dict__["found_inf"]
            scale = self.__dict__.get("grad_scale")
            if scale is not None:
                for parameter_group in self.param_groups:
                    for parameter in parameter_group["params"]:
                        if parameter.grad is not None:
                            parameter.grad.div_(scale)
            skipped = bool(found)
        if self._row["needs_gradient"]:
            raise ValueError(
                f"a GradScaler skips steps on one worker alone, and {self._row['name']} needs every "
                "worker's gradient in every step; bfloat16 autocast needs no scaler"
            )
        return skipped

    # Workers with other numbers of batches.

    @contextlib.contextmanager
    def join(self):
        """For workers whose data end at different times:

            with opt.join():
                for x, y in loader: ...

        A worker that is through takes part in the others' rounds with the parameters it has, and, where
        gradients are averaged, with a gradient of 0, until all are through. All workers together.

        Cost: one number a round.
        """
        if self._row["asynchronous"]:
            raise ValueError(f"the workers of {self._row['name']} do not wait for each other: join() has no end")
        self._joining = True
        try:
            yield
            while True:
                if self._loop.steps % max(1, self._loop.period) == 0 and self._all_done(True):
                    break
                with torch.no_grad():
                    self._loop.empty_step(self.optimizer.step)
        finally:
            self._joining = False

    def _all_done(self, mine):
        return bool(self.group.all_gather(torch.tensor([mine], dtype=torch.uint8)).all())

    # The average.

    @contextlib.contextmanager
    def average(self, loader=None, *, model=None, forward=None):
        """Inside, the model is the workers' average; afterwards each has its own again. All workers
        together; evaluate on one of them or on all.

        Args:
            loader: batches of training data, of this worker's share, over which the statistics of
                BatchNorm are taken for the average, all workers together. Without it they are the mean
                of the workers' own, which are not those of the average.
            model: the network, where it is not known.
            forward: forward(batch) calls the model on a batch; by default model(batch), or
                model(batch[0]) of a tuple or list.

        Cost: one all-reduce of d values; with a loader a pass over it, without gradients.
        """
        model = self._known_model(model, loader)
        x = self._loop.values
        kept = x.clone()
        buffers = {} if model is None else {b: b.clone() for b in model.buffers()}
        try:
            self._take_average(loader, model, forward)
            yield
        finally:
            with torch.no_grad():
                x.copy_(kept)
                for buffer, value in buffers.items():
                    buffer.copy_(value)

    def adopt_average(self, loader=None, *, model=None, forward=None):
        """As average(), and the model stays the average: the end of a training. All workers together."""
        self._take_average(loader, self._known_model(model, loader), forward)

    def _known_model(self, model, loader):
        model = self._model if model is None else model
        if model is None and loader is not None:
            raise ValueError("BatchNorm is estimated anew by calls of the model, which is not known yet: give model")
        return model

    def _take_average(self, loader, model, forward):
        with torch.no_grad():
            self._loop.values.copy_(self._loop.average())
            if model is None:
                return
            if loader is None:
                batch_norm.average_buffers(model, self.group)
            else:
                batch_norm.reestimate(model, loader, self.group, forward)

    # What to log.

    @property
    def steps(self):
        """Steps so far."""
        return self._loop.steps

    @property
    def rounds(self):
        """Rounds so far; every step is one where a method communicates in every step."""
        return self._loop.rounds

    @property
    def period(self):
        """Local steps a round, in force."""
        return self._loop.period

    @property
    def distance(self):
        """||x_m - x_A||, this worker's from the average, as the last round began; None before it."""
        return self._loop.distance

    @property
    def valley_width(self):
        """(1/M) sum_m ||x_m - x_A||, the workers' mean distance from their average, as the last round
        began, or at the last average(); None before either."""
        return self._loop.width

    @property
    def distances(self):
        """||x_m - x_A|| of all workers, by rank, as the last round began; empty before it, and for
        methods whose workers do not learn their average."""
        return self._loop.distances

    @property
    def predicted_width(self):
        """lambda / alpha, push over pull, which the width of a pushed method goes to; None where there
        was no round, or the method does not tell."""
        return self._loop.figures.get("predicted_width")

    @property
    def figures(self):
        """What else the last round told, by name."""
        return self._loop.figures

    @property
    def bytes_sent(self):
        """Payload that this worker has handed to communication, in bytes: values times their size."""
        return self.group.bytes_sent

    @property
    def seconds(self):
        """That this worker has spent in communication, waiting for slower ones included."""
        return self.group.seconds

    @property
    def wait_seconds(self):
        """Of these, until the last worker had come."""
        return self.group.wait_seconds

    # The checkpoint.

    def state_dict(self):
        """The inner optimizer's, and under "valley" what the method remembers: of this worker, and to be
        saved beside its own model.state_dict() (not that of the average). All workers together."""
        state = self._loop.state()
        return self.optimizer.state_dict() | {
            "valley": {
                "method": self._row["name"],
                "settings": dict(self.settings),
                "rank": self.group.rank,
                "workers": self.group.size,
                "steps": self._loop.steps,
                "state": {name: tensor.clone() for name, tensor in state},
            }
        }

    def load_state_dict(self, state_dict):
        """Goes on, bit for bit, with the model's own state of the same moment. All workers together.

        Raises:
            ValueError: the state of another method, worker or number of workers, or of none.
        """
        state = dict(state_dict)
        ours = state.pop("valley", None)
        if ours is None:
            raise ValueError("this is the state of an optimizer that no method was around")
        for what, mine in (("method", self._row["name"]), ("workers", self.group.size), ("rank", self.group.rank)):
            if ours[what] != mine:
                raise ValueError(f"the state has {what} {ours[what]}, here it is {mine}")
        for keyword, mine in self.settings.items():
            if ours["settings"].get(keyword, mine) != mine:
                raise ValueError(f"the state has {keyword} {ours['settings'][keyword]}, here it is {mine}")
        self.optimizer.load_state_dict(state)
        self._loop.load_state(list(ours["state"].items()), ours["steps"])


def _nothing():
    pass
