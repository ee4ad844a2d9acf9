from tests.stack import citizen, operator, running_stack, stack

__all__ = ["citizen", "operator", "running_stack", "stack"]
