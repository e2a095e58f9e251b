"""From other projects' files to recipes. Importing it loads neither torch nor YAML."""

from tutelage.bridge.mdistiller import Recipe, read, recipe_of

__all__ = ["Recipe", "read", "recipe_of"]
