"""Packages that only a part of this one needs."""

from importlib import import_module
from types import ModuleType


class MissingExtra(ImportError):
    """A package that is not installed, and how to install it."""


def needs(module: str, extra: str, purpose: str) -> ModuleType:
    """Return a module that an extra of this package brings.

    Parameters
    ----------
    module : str
        Its name.
    extra : str
        The extra.
    purpose : str
        What needs it, to begin a sentence with.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        msg = f"{purpose} needs {module}: pip install 'neural-distortion[{extra}]'"
        raise MissingExtra(msg) from None
