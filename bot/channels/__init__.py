"""How citizens reach the desk."""
