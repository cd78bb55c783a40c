"""Where the command line writes to, without wrapping or colouring anything by itself."""

from rich.console import Console

output = Console(highlight=False, soft_wrap=True)
messages = Console(highlight=False, soft_wrap=True, stderr=True)
