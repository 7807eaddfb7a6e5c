"""The argument `policy` of every adapter."""

import os

from mantlet._mantlet import Policy
from mantlet._preset import Preset


def compiled(policy: str | os.PathLike[str] | Policy | Preset) -> Policy:
    """The policy that is meant by the path of a policy file, by a preset, or by itself.

    Raises `PolicyError` for a policy with errors, `OSError` for a file that cannot be read.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Preset):
        return Policy(preset=policy)
    return Policy.from_file(policy)
