"""The variables of the environment that programs beside a node read: a node lets them stand in its own environment."""

from enum import StrEnum


class Variable(StrEnum):
    """One that the client or the sandbox reads. Those of a node are the fields of its settings."""

    URL = "CREDITMESH_URL"
    KEY = "CREDITMESH_KEY"
    PINS = "CREDITMESH_PINS"
    PROFILE = "CREDITMESH_PROFILE"
    PROFILES = "CREDITMESH_PROFILES"
    SAMPLES = "CREDITMESH_SAMPLES"
