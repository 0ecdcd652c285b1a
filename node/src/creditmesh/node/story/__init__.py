"""The sandbox's story: a node used through its gateway, every step checked, printed and timed."""

from creditmesh.node.story.chapters import tell
from creditmesh.node.story.telling import StoryFailed

__all__ = ["StoryFailed", "tell"]
