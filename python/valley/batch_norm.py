"""BatchNorm's statistics of an average model."""

import contextlib

import torch
from torch.nn.modules.batchnorm import _BatchNorm


def _layers(model):
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]


def _floating(model):
    return [b for b in model.buffers() if b.is_floating_point()]


def broadcast_buffers(model, group):
    """All workers take worker 0's buffers."""
    with torch.no_grad():
        for buffer in model.buffers():
            values = buffer.contiguous()
            group.broadcast(values, 0)
            buffer.copy_(values)


def average_buffers(model, group):
    """Floating-point buffers become the mean of the workers'."""
    for buffer in _floating(model):
        values = buffer.to(torch.float64, copy=True).contiguous()
        group.all_reduce_mean(values)
        buffer.copy_(values)


class _Statistics:
    """Count, mean and squared deviation of what one layer is given, a channel, in float64."""

    def __init__(self, layer):
        self.layer = layer
        like = layer.running_mean
        self.count = 0
        self.mean = torch.zeros_like(like, dtype=torch.float64)
        self.deviation = torch.zeros_like(self.mean)

    def __call__(self, layer, inputs):
        if not layer.training:
            return
        x = inputs[0].detach()
        dims = [d for d in range(x.dim()) if d != 1]
        count = x.numel() // x.size(1)
        mean = x.mean(dims).double()
        self.merge(count, mean, x.var(dims, unbiased=False).double() * count)

    def merge(self, count, mean, deviation):
        total = self.count + count
        if total == 0:
            return
        delta = mean - self.mean
        self.mean += delta * (count / total)
        self.deviation += deviation + delta.square() * (self.count * count / total)
        self.count = total


def reestimate(model, loader, group, forward=None):
    """Replaces the running statistics of BatchNorm by those of all batches of all workers' loaders
    under the present parameters: forward passes in training mode, merged over batches and workers

        mean = sum_b n_b mean_b / N,   var = sum_b (n_b var_b + n_b (mean_b - mean)^2) / N

    in float64, with n_b the layer's values a channel in batch b, N their sum, var_b the biased variance.
    A layer that is in evaluation mode while the model trains keeps its own. The random generators are
    as before afterwards, and so are all modes and other buffers.

    Cost: one pass over the loader without gradients, one all-gather of 2 values a channel.
    """
    layers = _layers(model)
    if not layers:
        return
    statistics = [_Statistics(layer) for layer in layers]
    modes = [(m, m.training) for m in model.modules()]
    kept = {b: b.clone() for b in model.buffers()}
    device = layers[0].running_mean.device
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        if not model.training:
            model.train()
        measured = [layer.training for layer in layers]
        for s in statistics:
            stack.callback(s.layer.register_forward_pre_hook(s).remove)
        for batch in loader:
            _call(model, batch, forward, device)
    for module, training in modes:
        module.training = training
    for buffer, value in kept.items():
        buffer.copy_(value)
    for s, here in zip(statistics, measured):
        if here:
            _merge_workers(s, group)


def _call(model, batch, forward, device):
    if forward is not None:
        forward(batch)
        return
    first = batch[0] if isinstance(batch, (tuple, list)) else batch
    if not isinstance(first, torch.Tensor):
        raise ValueError(f"a batch is a {type(batch).__name__}: say by forward how the model is called on it")
    model(first.to(device))


def _merge_workers(s, group):
    channels = s.mean.numel()
    mine = torch.cat([s.mean.new_tensor([s.count]), s.mean, s.deviation])
    s.count, s.mean, s.deviation = 0, torch.zeros_like(s.mean), torch.zeros_like(s.deviation)
    for theirs in group.all_gather(mine):
        s.merge(int(theirs[0]), theirs[1 : 1 + channels], theirs[1 + channels :])
    if s.count == 0:
        raise ValueError("the loaders have no batch: there is nothing to estimate BatchNorm's statistics of")
    s.layer.running_mean.copy_(s.mean)
    s.layer.running_var.copy_(s.deviation / s.count)
