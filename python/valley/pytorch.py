"""Whether the PyTorch that is there is the one that the package was built for."""

import torch

from valley import _built_for


def check(built_for=_built_for.PYTORCH, found=torch.__version__):
    """To be called before _core is loaded, whose functions and objects are those of one PyTorch's C++.

    Raises:
        ImportError: the two are not of the same minor version, 2.6 or 2.15, say.
    """
    if built_for.split(".")[:2] != found.split(".")[:2]:
        raise ImportError(
            f"this valley was built for PyTorch {built_for}, and PyTorch {found} is installed; build it for "
            "that one: pip install --no-build-isolation --force-reinstall --no-deps, in Valley's sources"
        )
