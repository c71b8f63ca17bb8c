"""tasksync keeps tasks in step between the CRM systems a firm uses."""

__version__ = "0.1.0"
