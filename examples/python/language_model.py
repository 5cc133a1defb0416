"""An LSTM that predicts the next word of a text.

    python3 language_model.py --text FILE
    torchrun --nproc-per-node 4 language_model.py --text FILE

The lines that make it a training of many workers end in "# valley".
"""

import argparse
import math
import pathlib

import common
import torch
import valley
from torch import nn
from torch.nn.functional import cross_entropy


class LanguageModel(nn.Module):
    def __init__(self, words, width=64):
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, words)
        self.head.weight = self.embed.weight  # tied

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0])


def corpus(path, context):
    """Sequences of `context` words and the word after each; a tenth is held out."""
    words = pathlib.Path(path).read_text().split()
    number = {word: i for i, word in enumerate(sorted(set(words)))}
    ids = torch.tensor([number[word] for word in words])
    sequences = ids[: (len(ids) - 1) // context * context + 1].unfold(0, context + 1, context)
    held_out = max(1, len(sequences) // 10)
    return sequences[:-held_out], sequences[-held_out:], len(number)


def loss_of(net, batch):
    return cross_entropy(net(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--context", type=int, default=16)
    args = parser.parse_args(argv)
    common.start()

    train, test, words = corpus(args.text, args.context)
    net = LanguageModel(words)
    loader = common.shard(train, batch_size=16)  # valley
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    opt = valley.DiLoCo(opt, period=8)  # valley

    for epoch in range(args.epochs):
        for batch in loader:
            opt.zero_grad()
            loss_of(net, batch).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            opt.step()
        with opt.average(), torch.no_grad():  # valley
            perplexity = math.exp(loss_of(net, test))
        if common.is_first():
            print(f"epoch {epoch + 1}: perplexity of the held-out text {perplexity:.1f}")
    return perplexity


if __name__ == "__main__":
    main()
