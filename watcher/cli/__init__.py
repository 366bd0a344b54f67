"""The commands. Only here is anything printed."""
