"""The console: pages that show how sales flow, and the few forms that mend what is stuck."""

from tillway.console.app import console_app
from tillway.console.dev_control import DevControl, forward_to

__all__ = ["DevControl", "console_app", "forward_to"]
