#!/usr/bin/python3
"""Trains a network on CIFAR-10 with three methods.

    recipes/cifar10.py build/release/bin/valley --data cifar10:PATH --keep cifar10.json
    recipes/cifar10.py build/release/bin/valley --data cifar10:PATH --recipe cifar10-lenet.toml --seeds 5
    recipes/cifar10.py build/release/bin/valley --data cifar10:PATH --recipe cifar10-gpu.toml --seeds 1

The rule was fixed before it was run: nothing is tuned. One learning rate for all, one push, the seeds
1 to 3. A seed decides the images, the weights and the order, so that seeds can be compared in pairs.
"""
import runs

METHODS = {
    "ssgd": ["--algorithm", "ssgd"],
    "local-sgd": ["--algorithm", "local-sgd"],
    "dppf": ["--algorithm", "dppf"],
}


def main():
    parser = runs.options(__doc__, seeds=3)
    parser.add_argument("--data", required=True, help="cifar10:PATH, the folder of the binary version")
    parser.add_argument("--recipe", default="cifar10.toml", help="one of this folder (%(default)s)")
    arguments = parser.parse_args()
    run = runs.Runs(arguments, arguments.recipe, ["--data", arguments.data])
    final = {name: [run(*method, "--seed", seed) for seed in range(1, arguments.seeds + 1)]
             for name, method in METHODS.items()}  # fmt: skip
    print("\n" + runs.comparison(final, "local-sgd"))
    runs.draw_comparison(final, ["dppf"], arguments.picture)


if __name__ == "__main__":
    main()
