"""The batches that the program deals to its workers, for a loader of PyTorch's."""

from valley import _core, group


class Sampler:
    """A batch sampler: every epoch has one permutation of all examples, drawn from (seed, epoch) and the
    same for all workers, of which each takes its share: together they see every example at most once an
    epoch, in the order one worker with the batch of all would. The remainder is left out, another one in
    every epoch. The same as `valley train` deals with --seed.

        loader = DataLoader(data, batch_sampler=valley.Sampler(len(data), 64))

    Iterating it is one epoch, the next one every time; set_epoch(e) goes to another.

    Args:
        examples: N.
        batch_size: of one worker.
        rank, workers: by default those of the group that a method would find here.
        seed: the same on all workers.

    Raises:
        ValueError: fewer examples than workers, a batch below 1.
    """

    def __init__(self, examples, batch_size, *, rank=None, workers=None, seed=0):
        here = group.place()
        rank = here[0] if rank is None else rank
        workers = here[1] if workers is None else workers
        self._sampler = _core.Sampler(examples, batch_size, rank, workers, seed)
        self._epoch = 0

    def set_epoch(self, epoch):
        """The epoch of the next iteration, counted from 0."""
        self._epoch = epoch

    def __len__(self):
        return self._sampler.steps_per_epoch

    def __iter__(self):
        first = self._epoch * len(self)
        self._epoch += 1
        return (self._sampler.batch(first + i) for i in range(len(self)))
