"""The sandbox's story: a node used through its gateway, every step checked, printed and timed."""

from creditmesh.sandbox.story.chapters import tell
from creditmesh.sandbox.story.steps import StoryFailed

__all__ = ["StoryFailed", "tell"]
