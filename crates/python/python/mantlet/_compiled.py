"""What a policy may be given as."""

from __future__ import annotations

import os

from mantlet._mantlet import Policy
from mantlet._preset import Preset


def compiled(policy: Policy | Preset | str | os.PathLike[str]) -> Policy:
    """The policy that is meant by the path of a policy file, by a preset, or by itself. A file is read once.

    Raises `PolicyError` for a policy with errors, and for a file that cannot be read.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Preset):
        return Policy(preset=policy)
    return Policy.from_file(policy)
