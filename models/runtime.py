"""How much of the machine the models may use, and whether there is a GPU."""

import os

import torch

_KEPT_KERNELS = 32
"""The voice needs a dozen, again and again; no two utterances share theirs."""

_KERNEL_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
"""What oneDNN and torch's layer over it read when the first kernel is made."""


def prepare_torch(threads: int) -> None:
    """Use this many threads for one inference, and keep few kernels.

    For the whole process: called once, before it loads a model. Each length of speech
    has kernels of its own, which are kept with the memory that they work in: a
    thousand, unless somebody says otherwise, and a service grows by hundreds of
    megabytes (docs/evaluation.md, Capacity). What the environment says counts.

    Args:
        threads: 0 leaves torch's own choice.
    """
    for name in _KERNEL_CACHES:
        os.environ.setdefault(name, str(_KEPT_KERNELS))
    if threads > 0:
        torch.set_num_threads(threads)


def check_device(device: str) -> None:
    """Make sure that models can run there.

    Raises:
        ValueError: there is no such device on this machine; the message says what
            there is.
    """
    if device == "cpu":
        return
    n_gpus = torch.cuda.device_count()
    known = ["cpu", "cuda", *(f"cuda:{index}" for index in range(n_gpus))]
    if not n_gpus or device not in known:
        there = ", ".join(known) if n_gpus else "cpu (no GPU was found)"
        raise ValueError(f"expected one of {there}, got {device!r}")
