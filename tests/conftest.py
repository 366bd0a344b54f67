"""What holds for all tests: no example of Hypothesis fails for having taken long, which only says that the machine was busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
