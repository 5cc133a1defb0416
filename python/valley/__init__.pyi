"""Written by python/stubs.py."""

from collections.abc import Callable
from typing import Any

import torch

from valley._core import CommError as CommError
from valley.folder import run_folder as run_folder
from valley.instruments import (
    Alignment as Alignment,
    Landscape as Landscape,
    Measurement as Measurement,
    Sharpness as Sharpness,
    alignment as alignment,
    landscape as landscape,
    sharpness as sharpness,
)
from valley.method import Method as Method
from valley.program import train as train
from valley.sampler import Sampler as Sampler
from valley.threads import run_threads as run_threads
from valley.topology import Topology as Topology, topology as topology

__version__: str
METHODS: tuple[str, ...]


class SSGD(Method):
    """synchronous SGD: the mean gradient in every step"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        bucket_bytes: int = 4194304,
        wire: str = 'none',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class SSGDNoise(Method):
    """synchronous SGD with gradients taken at noisy points"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        noise: float = 0.1,
        bucket_bytes: int = 4194304,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class Sparsign(Method):
    """ssgd with votes for the signs of the large values of a gradient"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        vote_budget: float = 1.0,
        vote_majority: bool = False,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class CDAdam(Method):
    """AMSGrad on a mean gradient that is compressed on both ways"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        compress: str = 'top-k:0.1',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class LocalSGD(Method):
    """train alone, take the average every round"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class SlowMo(Method):
    """local SGD with momentum over the rounds"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        outer_lr: float = 0.0,
        outer_momentum: float = -1.0,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DiLoCo(Method):
    """local SGD with a Nesterov step over every round"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        outer_lr: float = 0.0,
        outer_momentum: float = -1.0,
        outer_restart: int = 0,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class PALSGD(Method):
    """diloco with random steps towards the last average between its rounds"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        outer_lr: float = 0.0,
        outer_momentum: float = -1.0,
        anchor_probability: float = 0.1,
        anchor_pull: float = 0.1,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class NoLoCo(Method):
    """local SGD whose workers meet in random pairs, with momentum"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        outer_lr: float = 0.0,
        outer_momentum: float = -1.0,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class FedAvg(Method):
    """local SGD in which a random share of the workers takes part"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        participate: float = 1.0,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class FedProx(Method):
    """fedavg whose workers are held to where their round began"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        participate: float = 1.0,
        prox: float = 0.1,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class SCAFFOLD(Method):
    """fedavg whose gradients are corrected by those of all, for data that differ"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        participate: float = 1.0,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DRAG(Method):
    """fedavg whose workers' ways are turned to that of all"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        participate: float = 1.0,
        drag: float = 0.25,
        drag_memory: float = 0.75,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class SPARTA(Method):
    """averages a random share of the values in every step"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        exchange_share: float = 0.005,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class WASH(Method):
    """shuffles a random share of the values among the workers"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        exchange_share: float = 0.005,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DPPF(Method):
    """pulled towards the average and pushed away from it, every round"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        pull: float = 0.1,
        push: float = 0.5,
        push_schedule: str = 'constant',
        push_variant: str = 'simple',
        push_relative: bool = False,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        fade: float = -1.0,
        fade_to: float = 0.0,
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class EASGD(Method):
    """pulled towards a centre that follows, pushed away from the average"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        moving_rate: float = 0.9,
        push: float = 0.5,
        push_schedule: str = 'constant',
        push_relative: bool = False,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class LSGD(Method):
    """pulled towards the worker with the lowest loss, pushed away from the average"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        pull: float = 0.1,
        leader_pull: float = 0.0,
        push: float = 0.5,
        push_schedule: str = 'constant',
        push_relative: bool = False,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class MGRAWA(Method):
    """pulled towards a mean that favours small gradients, pushed away from the average"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        pull: float = 0.1,
        push: float = 0.5,
        push_schedule: str = 'constant',
        push_relative: bool = False,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class LGRAWA(Method):
    """mgrawa with a weight for every layer"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        period: int | str = '4',
        pull: float = 0.1,
        push: float = 0.5,
        push_schedule: str = 'constant',
        push_relative: bool = False,
        compress_rounds: str = 'none',
        delay: int = 0,
        fragments: int = 1,
        wire: str = 'none',
        hierarchy: str = 'none',
        group_size: int = 0,
        inner_pull: float = 1.0,
        inner_push: float = 0.0,
        inner_wire: str = 'none',
        optimizer_state: str = 'local',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DPSGD(Method):
    """mixes the weights with those of the neighbours in every step"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        mixing: str = 'atc',
        lazy: bool = False,
        gossip_period: int = 1,
        gossips: int = 1,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DSGDAC(Method):
    """dpsgd whose mixing falls with the learning rate"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        lazy: bool = False,
        fade: float = -1.0,
        fade_to: float = 0.0,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class SGP(Method):
    """dpsgd over directed graphs, by push-sum"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        mixing: str = 'atc',
        lazy: bool = False,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class GradientTracking(Method):
    """dpsgd along an estimate of the mean gradient, for data that differ"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        mixing: str = 'atc',
        lazy: bool = False,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class DSGTMTV(Method):
    """gradient tracking with momentum over directed graphs that change"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        tracking_momentum: float = 0.0,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class RelaySGD(Method):
    """relays sums along a tree, for data that differ"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        relay_tree: str = 'chain',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class D2(Method):
    """dpsgd with its last step taken back, for data that differ"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        lazy: bool = False,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class QGDSGDm(Method):
    """dpsgd with momentum of how the mixed weights move, for data that differ"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        lazy: bool = False,
        quasi_momentum: float = 0.9,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class CHOCO(Method):
    """dpsgd that sends compressed differences"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        lazy: bool = False,
        compress: str = 'top-k:0.1',
        consensus_step: float = 0.1,
        replicas: str = 'initial',
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...

class ADPSGD(Method):
    """meets a random neighbour in every step and waits for nobody; only with threads"""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        topology: str = 'ring',
        super_learner: int = 1,
        model: torch.nn.Module | None = None,
        process_group: Any = None,
        total_steps: int | None = None,
        steps_per_epoch: int = 1,
        warmup_steps: int = 0,
        seed: int = 0,
        timeout: float = 300.0,
        track_width: bool = True,
        another_gradient: Callable[[], Any] | None = None,
    ) -> None: ...
