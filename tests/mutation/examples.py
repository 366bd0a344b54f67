"""A plugin of pytest: Hypothesis draws the same examples each time, keeps none, and looks for no simpler one."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
)
